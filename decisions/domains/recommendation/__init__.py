"""Which items to show to whom."""
