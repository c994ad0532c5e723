"""Prediction while serving: NumPy on verified arrays, nothing else."""
