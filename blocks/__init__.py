"""Blocks open doors to the outside: databases, models, document folders, the ledger."""
