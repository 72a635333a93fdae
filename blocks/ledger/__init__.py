"""The ledger is the database of what happened: runs, node attempts, model calls, deliveries, decisions and schemas."""

from blocks.ledger.ledger import Ledger
from blocks.ledger.rows import (
    AttemptRow,
    DecisionRow,
    DeliveryRow,
    ExpectationRow,
    GoodAnswerRow,
    KnownAnswerRow,
    ModelCallRow,
    RunCost,
    RunRow,
    SchemaRow,
)

__all__ = [
    "AttemptRow",
    "DecisionRow",
    "DeliveryRow",
    "ExpectationRow",
    "GoodAnswerRow",
    "KnownAnswerRow",
    "Ledger",
    "ModelCallRow",
    "RunCost",
    "RunRow",
    "SchemaRow",
]
