"""`bin/chaos`: breaks a running site on purpose, and holds what it does against what is promised."""
