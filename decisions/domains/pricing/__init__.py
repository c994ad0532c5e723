"""Prices of items: one for everybody at a time."""
