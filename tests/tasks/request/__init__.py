"""Asking a service: the node's settings, pages and rows."""
