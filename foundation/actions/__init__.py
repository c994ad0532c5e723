"""Everything that changes foundation's tables."""
