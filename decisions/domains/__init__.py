"""Decision domains: a folder each."""
