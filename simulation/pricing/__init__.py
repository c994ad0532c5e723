"""Households that choose among items which replace each other: what is true of their demand, and how they buy."""
