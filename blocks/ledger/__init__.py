"""The ledger is the database of what happened: runs, node attempts, model calls, deliveries, decisions and schemas."""

from blocks.ledger.ledger import Ledger
from blocks.ledger.rows import (
    AttemptRow,
    DecisionRow,
    DeliveryRow,
    GoodAnswerRow,
    ModelCallRow,
    RunCost,
    RunRow,
    SchemaRow,
)

__all__ = [
    "AttemptRow",
    "DecisionRow",
    "DeliveryRow",
    "GoodAnswerRow",
    "Ledger",
    "ModelCallRow",
    "RunCost",
    "RunRow",
    "SchemaRow",
]
