"""Flows decide the order of the work and when a person is asked."""
