"""Estimators, tests and intervals: pure functions of moments and plain numbers."""
