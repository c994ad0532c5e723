"""Explorations on a page of their own: what to ask for, and what came out."""
