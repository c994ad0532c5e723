"""The management API of experiments, for holders of a server key."""
