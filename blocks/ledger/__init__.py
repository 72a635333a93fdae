"""The ledger is the database of what happened: runs, node attempts, model calls, deliveries, gates and schemas."""

from blocks.ledger.gate_rows import (
    AskRow,
    DelegationRow,
    GateEventKind,
    GateEventRow,
    GateRow,
    GateState,
    NoticeRow,
    VoteRow,
)
from blocks.ledger.gates import GateBook
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
from blocks.ledger.service_rows import ServiceAnswerRow, ToolCallRow, ToolCount, ToolOutcome
from blocks.ledger.services import ServiceBook
from blocks.ledger.spending import Account, Balance, Hold, Limit, Over, Reserved, accounts_of

__all__ = [
    "Account",
    "AskRow",
    "AttemptRow",
    "Balance",
    "DecisionRow",
    "DelegationRow",
    "DeliveryRow",
    "ExchangeRow",
    "ExpectationRow",
    "GateBook",
    "GateEventKind",
    "GateEventRow",
    "GateRow",
    "GateState",
    "GoodAnswerRow",
    "Hold",
    "KnownAnswerRow",
    "Ledger",
    "Limit",
    "ModelCallRow",
    "NoticeRow",
    "Over",
    "Reserved",
    "RunCost",
    "RunRow",
    "SchemaRow",
    "ServiceAnswerRow",
    "ServiceBook",
    "ToolCallRow",
    "ToolCount",
    "ToolOutcome",
    "VoteRow",
    "accounts_of",
]
