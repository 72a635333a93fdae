"""Alembic runs this file; the ledger gives it a connection with an open transaction (see upgrade.py)."""

from alembic import context

from blocks.ledger.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
