"""Putting a result where people read it, once only: intent, act, receipt."""
