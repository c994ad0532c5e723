"""Reads of the decisions app's tables, as frozen dataclasses."""
