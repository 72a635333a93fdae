"""The ledger is the database of what happened: runs, node attempts, model calls, deliveries, decisions and schemas."""

from blocks.ledger.ledger import Ledger
from blocks.ledger.rows import (
    AttemptRow,
    DecisionRow,
    DeliveryRow,
    ExchangeRow,
    ExpectationRow,
    GoodAnswerRow,
    KnownAnswerRow,
    ModelCallRow,
    RunCost,
    RunRow,
    SchemaRow,
)
from blocks.ledger.spending import Account, Balance, Hold, Limit, Over, Reserved, accounts_of

__all__ = [
    "Account",
    "AttemptRow",
    "Balance",
    "DecisionRow",
    "DeliveryRow",
    "ExchangeRow",
    "ExpectationRow",
    "GoodAnswerRow",
    "Hold",
    "KnownAnswerRow",
    "Ledger",
    "Limit",
    "ModelCallRow",
    "Over",
    "Reserved",
    "RunCost",
    "RunRow",
    "SchemaRow",
    "accounts_of",
]
