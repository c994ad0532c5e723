"""Everything that changes the experiments app's tables."""
