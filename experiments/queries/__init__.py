"""Reads of the experiments app's tables, as frozen dataclasses."""
