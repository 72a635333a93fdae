"""Asking a team's models: each call is a row of the ledger, and each answer has a checked shape."""
