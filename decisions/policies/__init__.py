"""Policies: how actions are chosen from candidates."""
