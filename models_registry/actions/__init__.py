"""Everything that changes the registry's tables."""
