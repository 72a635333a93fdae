"""The ledger's SQL: what it writes, as statements for the dialect in use. Nothing here touches a database."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Delete,
    Insert,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from blocks.ledger.tables import (
    Account,
    Decision,
    Delivery,
    Exchange,
    Expectation,
    GoodAnswer,
    ModelCall,
    NodeAttempt,
    Run,
    Schema,
)

Upsert: TypeAlias = sqlite.Insert | postgresql.Insert

runs, attempts, model_calls = Run.table(), NodeAttempt.table(), ModelCall.table()
deliveries, decisions, schemas = Delivery.table(), Decision.table(), Schema.table()
good_answers, expectations = GoodAnswer.table(), Expectation.table()
accounts, exchanges = Account.table(), Exchange.table()

# Made once, because a run that fans out makes them some hundred times in a second.
insert_model_call = insert(model_calls).returning(model_calls.c.id)
insert_exchange = insert(exchanges)

_KEY_OF_ACCOUNT = (accounts.c.scope, accounts.c.name, accounts.c.month)

lock_accounts = (
    select(accounts)
    .where(tuple_(*_KEY_OF_ACCOUNT).in_(bindparam("keys", expanding=True)))
    .order_by(*_KEY_OF_ACCOUNT)
    .with_for_update()
)
"""Of the accounts whose scope, name and month are among `keys`, always in the same order."""

change_accounts = (
    update(accounts)
    .where(and_(*(column == bindparam(f"the_{column.name}") for column in _KEY_OF_ACCOUNT)))
    .values(spent_usd=bindparam("spent"), held_usd=bindparam("held"))
)
"""For many rows at once, with `the_` before each name of the key."""


def _insert_into(table: Table, dialect: str) -> Upsert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def insert_new(table: Table, dialect: str, key: Sequence[str]) -> Upsert:
    """Where a row of that key is there already, nothing is inserted."""
    return _insert_into(table, dialect).on_conflict_do_nothing(index_elements=[*key])


def insert_or_replace(table: Table, dialect: str, key: Sequence[str], values: dict[str, Any]) -> Upsert:
    """A row of that key takes the place of an earlier one."""
    row = _insert_into(table, dialect).values(**values)
    changed = {name: row.excluded[name] for name in values if name not in key}
    return row.on_conflict_do_update(index_elements=[*key], set_=changed)


def start_run(dialect: str, values: dict[str, Any]) -> ReturningInsert[Any]:
    """Returns the run; one that is there already starts once more and keeps all that it is pinned to."""
    start = _insert_into(runs, dialect).values(**values)
    again = {
        "starts": runs.c.starts + 1,
        "state": start.excluded.state,
        "message": "",
        "gaps": [],
        "finished_at": None,
    }
    return start.on_conflict_do_update(index_elements=["run_id"], set_=again).returning(*runs.c)


def insert_attempts(dialect: str) -> Insert:
    """For many rows at once; a try that is there already stays."""
    return _insert_into(attempts, dialect).on_conflict_do_nothing()


def end_attempts() -> Update:
    """For many rows at once, with `the_` before each name."""
    key = ("run_id", "node", "start", "attempt")
    return (
        update(attempts)
        .where(and_(*(attempts.c[name] == bindparam(f"the_{name}") for name in key)))
        .values({name: bindparam(f"the_{name}") for name in ("state", "seconds", "error")})
    )


def intend_delivery(dialect: str, values: dict[str, Any]) -> ReturningInsert[Any]:
    """Returns the delivery where it is now the caller's to make: it is new, or known not to have happened."""
    intent = _insert_into(deliveries, dialect).values(**values)
    again = {name: intent.excluded[name] for name in ("intent_at", "sha256", "outcome", "error")}
    return intent.on_conflict_do_update(
        index_elements=["run_id", "node", "target"], set_=again, where=deliveries.c.outcome == "failed"
    ).returning(*deliveries.c)


def record_decision(dialect: str, values: dict[str, Any]) -> ReturningInsert[Any]:
    """Returns the decision where it is the gate's first."""
    return insert_new(decisions, dialect, ("run_id", "node")).values(**values).returning(*decisions.c)


def key_of_good_answer(source: str, sql: str) -> dict[str, str]:
    """The columns that name the answer to this SQL from this source; SQL is too long for an index."""
    return {"source": source, "sql_sha256": sha256(sql.encode()).hexdigest()}


def record_good_answer(dialect: str, values: dict[str, Any]) -> Upsert:
    """A later answer takes the place of an earlier one."""
    return insert_or_replace(good_answers, dialect, ("source", "sql_sha256"), values)


def open_accounts(dialect: str) -> Upsert:
    """For many rows at once; an account that is there already stays as it is."""
    return insert_new(accounts, dialect, ("scope", "name", "month"))


def older_exchanges(workflow: str, keep: int) -> Delete:
    """Takes away all of the workflow's exchanges but the newest of each node."""
    age = func.row_number().over(partition_by=exchanges.c.node, order_by=exchanges.c.id.desc()).label("age")
    aged = select(exchanges.c.id, age).where(exchanges.c.workflow == workflow).subquery()
    return delete(exchanges).where(exchanges.c.id.in_(select(aged.c.id).where(aged.c.age > keep)))


def is_decision_of(run_id: UUID, node: str) -> ColumnElement[bool]:
    """Picks the decision of one gate."""
    return and_(decisions.c.run_id == run_id, decisions.c.node == node)
