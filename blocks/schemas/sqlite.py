"""SQLite's schema, by joins with its table-valued pragmas: as many statements for a thousand tables as for one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.schemas.snapshot import Column, ForeignKey, Relation, RelationName

_MASTER = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY 1, 2"
_OURS = "m.name NOT LIKE 'sqlite!_%' ESCAPE '!'"
# hidden: 1 is a virtual table's own; 2 and 3 are generated columns, which can be read.
_COLUMNS = f"""
    SELECT m.name, m.type, c.name, c.type, c."notnull", c.pk
    FROM sqlite_master m JOIN pragma_table_xinfo(m.name) c
    WHERE m.type = ? AND {_OURS} AND c.hidden <> 1 ORDER BY m.name, c.cid
"""  # noqa: S608  # both parts are constants
_FOREIGN_KEYS = f"""
    SELECT m.name, f.id, f."table", f."from", f."to"
    FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f
    WHERE m.type = 'table' AND {_OURS} ORDER BY m.name, f.id, f.seq
"""  # noqa: S608
_UNIQUE = f"""
    SELECT m.name, i.name, x.name
    FROM sqlite_master m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) x
    WHERE m.type = 'table' AND {_OURS} AND i."unique" AND NOT i.partial AND i.origin <> 'pk'
    ORDER BY m.name, i.name, x.seqno
"""  # noqa: S608


async def fingerprint(connection: AsyncConnection) -> tuple[str, str, tuple[str, ...]]:
    """The database, its schema's fingerprint and its search path, in one statement."""
    rows = (await connection.exec_driver_sql(_MASTER)).all()
    path = str(Path(connection.engine.url.database or "").resolve())
    return path, sha256(repr([tuple(row) for row in rows]).encode()).hexdigest(), ("main",)


async def relations(connection: AsyncConnection) -> tuple[Relation, ...]:
    """Every table and view."""
    columns = await _all(connection, _COLUMNS, "table")
    foreign_keys = _grouped(await _all(connection, _FOREIGN_KEYS))
    unique = _grouped(await _all(connection, _UNIQUE))
    tables = {name: _table(name, of_it, foreign_keys[name], unique[name]) for name, of_it in _grouped(columns).items()}
    views = await _views(connection)
    lowered = {name.lower(): table for name, table in tables.items()}
    return tuple(_with_referred(table, lowered) for table in tables.values()) + views


def _table(
    name: str, columns: Sequence[Sequence[Any]], foreign_keys: Sequence[Sequence[Any]], unique: Sequence[Sequence[Any]]
) -> Relation:
    keys = defaultdict[Any, list[Any]](list)
    for _, number, *rest in foreign_keys:
        keys[number].append(rest)
    indexes = defaultdict[str, list[str]](list)
    for _, index, column in unique:
        indexes[index].append(column)
    return Relation(
        name=RelationName("main", name),
        kind="table",
        columns=tuple(_column(row) for row in columns),
        primary_key=tuple(row[2] for row in sorted(columns, key=lambda row: row[5]) if row[5]),
        # An index on an expression has a column without a name.
        unique=tuple(tuple(each) for each in indexes.values() if all(each)),
        foreign_keys=tuple(
            ForeignKey(
                columns=tuple(row[1] for row in parts),
                refers_to=RelationName("main", parts[0][0]),
                referred=tuple(row[2] for row in parts if row[2]),
            )
            for parts in keys.values()
        ),
    )


def _column(row: Sequence[Any]) -> Column:
    _, _, name, type_name, not_null, key = row
    return Column(name=name, type=type_name or "", nullable=not (not_null or key))


def _with_referred(table: Relation, tables: Mapping[str, Relation]) -> Relation:
    """The table with the primary key's columns named where REFERENCES leaves them out; `tables` by lower-case names."""
    keys = []
    for key in table.foreign_keys:
        target = tables.get(key.refers_to.name.lower())
        referred = key.referred or (target.primary_key if target else ())
        name = target.name if target else key.refers_to
        keys.append(replace(key, refers_to=name, referred=referred))
    return table.model_copy(update={"foreign_keys": tuple(keys)}) if keys else table


async def _views(connection: AsyncConnection) -> tuple[Relation, ...]:
    try:
        columns = await _all(connection, _COLUMNS, "view")
    except DBAPIError:
        # One view that names something that is gone makes the whole join fail.
        names = await _all(connection, "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY 1")
        return tuple([await _view(connection, name) for (name,) in names])
    return tuple(_as_view(name, of_it) for name, of_it in _grouped(columns).items())


async def _view(connection: AsyncConnection, name: str) -> Relation:
    try:
        columns = await _all(connection, _COLUMNS.replace("m.type = ?", "m.type = 'view' AND m.name = ?"), name)
    except DBAPIError:
        columns = []
    return _as_view(name, columns)


def _as_view(name: str, columns: Sequence[Sequence[Any]]) -> Relation:
    return Relation(name=RelationName("main", name), kind="view", columns=tuple(_column(row) for row in columns))


async def _all(connection: AsyncConnection, sql: str, *parameters: str) -> Sequence[Sequence[Any]]:
    return [tuple(row) for row in (await connection.exec_driver_sql(sql, parameters)).all()]


def _grouped(rows: Iterable[Sequence[Any]]) -> defaultdict[str, list[Sequence[Any]]]:
    """The rows by their first column, in order."""
    groups = defaultdict[str, list[Sequence[Any]]](list)
    for row in rows:
        groups[row[0]].append(row)
    return groups
