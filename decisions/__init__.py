"""What is decided, and for whom: serving, ingest and publishing."""
