"""Deliveries that happen once, with a real ledger."""
