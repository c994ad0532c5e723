"""Experiments that were recorded elsewhere: what their manifest says, and their rows read as units or totals.

Nothing here knows Django or PostgreSQL; `experiments.actions.imports` writes what this package reads.
"""
