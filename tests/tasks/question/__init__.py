"""Searching documents: real files, a real index."""
