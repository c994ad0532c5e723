"""Celery workers: they run jobs that the database remembers."""
