"""Saved SQL."""
