"""Tasks do one thing each, and can be retried."""
