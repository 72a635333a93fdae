"""Schemas of real databases, and what is kept of them."""
