"""Orders of items for stores."""
