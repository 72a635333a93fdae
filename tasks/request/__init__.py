"""Asking a service: one request or all pages of a list, shaped into a table."""
