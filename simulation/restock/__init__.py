"""Stores that order from suppliers: what is true of their demand, and how they live with an order system over HTTP."""
