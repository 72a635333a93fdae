"""PostgreSQL's schema, from its catalog: two statements, and one for the fingerprint."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.schemas.snapshot import Column, ForeignKey, Relation, RelationName

# Tables, partitioned ones as a whole, views, materialised views, foreign tables.
_RELATIONS = """
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_t%'
"""
_COLUMNS = f"""
    SELECT r.oid, r.nspname, r.relname, r.relkind, a.attnum, a.attname,
           format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull
    FROM (SELECT c.oid, n.nspname, c.relname, c.relkind {_RELATIONS}) r
    LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY r.nspname, r.relname, a.attnum
"""  # noqa: S608  # both parts are constants
# Keys from their indexes, for not every unique index belongs to a constraint. INCLUDE adds columns that are no key.
_KEYS = f"""
    SELECT i.indrelid AS owner, CASE WHEN i.indisprimary THEN 'p' ELSE 'u' END AS kind,
           (i.indkey::int2[])[0:i.indnkeyatts - 1] AS columns, 0::oid AS refers_to, NULL::int2[] AS referred
    FROM pg_index i JOIN (SELECT c.oid {_RELATIONS}) r ON r.oid = i.indrelid
    WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
    UNION ALL
    SELECT k.conrelid, 'f', k.conkey, k.confrelid, k.confkey
    FROM pg_constraint k JOIN (SELECT c.oid {_RELATIONS}) r ON r.oid = k.conrelid
    WHERE k.contype = 'f' AND k.conparentid = 0
    ORDER BY owner, kind, columns
"""  # noqa: S608
# Without the numbers that PostgreSQL gives relations: a table that is made anew as it was is no change.
_FINGERPRINT = f"""
    SELECT current_database() AS name, d.oid AS number, inet_server_port() AS port,
           current_schemas(false)::text[] AS path, md5(concat(
        (SELECT string_agg(concat_ws(',', s.nspname, s.relname, s.relkind, s.attname, s.type, s.attnotnull), ';'
                           ORDER BY s.nspname, s.relname, s.attnum) FROM ({_COLUMNS}) s),
        (SELECT string_agg(concat_ws(',', k.owner::regclass, k.kind, k.columns, k.refers_to::regclass, k.referred), ';'
                           ORDER BY k.owner::regclass::text, k.kind, k.columns) FROM ({_KEYS}) k))) AS digest
    FROM pg_database d WHERE d.datname = current_database()
"""  # noqa: S608


async def fingerprint(connection: AsyncConnection) -> tuple[str, str, tuple[str, ...]]:
    """The database, its schema's fingerprint and its search path, in one statement."""
    row = (await connection.exec_driver_sql(_FINGERPRINT)).one()
    host = connection.engine.url.host or "local"
    return f"{host}:{row.port or 'socket'}/{row.name}#{row.number}", row.digest, tuple(row.path)


async def relations(connection: AsyncConnection) -> tuple[Relation, ...]:
    """Every table and view."""
    rows = (await connection.exec_driver_sql(_COLUMNS)).all()
    by_oid = defaultdict[int, list[Any]](list)
    for row in rows:
        by_oid[row.oid].append(row)
    columns = {oid: {row.attnum: row.attname for row in of_it} for oid, of_it in by_oid.items()}
    names = {oid: RelationName(of_it[0].nspname, of_it[0].relname) for oid, of_it in by_oid.items()}
    keys = defaultdict[int, list[Any]](list)
    for row in (await connection.exec_driver_sql(_KEYS)).all():
        keys[row.owner].append(row)
    return tuple(_relation(oid, of_it, names, columns, keys[oid]) for oid, of_it in by_oid.items())


def _relation(
    oid: int,
    rows: Sequence[Any],
    names: Mapping[int, RelationName],
    columns: Mapping[int, Mapping[int, str]],
    keys: Sequence[Any],
) -> Relation:
    def named(of: int, numbers: Sequence[int] | None) -> tuple[str, ...]:
        return tuple(columns[of][number] for number in numbers or ())

    return Relation(
        name=names[oid],
        kind="view" if _text(rows[0].relkind) in "vm" else "table",
        columns=tuple(
            Column(name=row.attname, type=row.type, nullable=not row.attnotnull)
            for row in rows
            if row.attnum is not None
        ),
        primary_key=next((named(oid, row.columns) for row in keys if row.kind == "p"), ()),
        unique=tuple(named(oid, row.columns) for row in keys if row.kind == "u"),
        foreign_keys=tuple(
            ForeignKey(
                columns=named(oid, row.columns),
                refers_to=names[row.refers_to],
                referred=named(row.refers_to, row.referred),
            )
            for row in keys
            if row.kind == "f" and row.refers_to in names
        ),
    )


def _text(char: str | bytes) -> str:
    # asyncpg gives PostgreSQL's "char" as bytes.
    return char.decode() if isinstance(char, bytes) else char
