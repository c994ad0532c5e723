"""Readouts: what people see of an experiment, outside the admin."""
