"""Reads of the registry's tables, as frozen dataclasses."""
