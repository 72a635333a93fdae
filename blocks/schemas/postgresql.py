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
    SELECT r.oid, r.nspname, r.relname, r.relkind,
           array_agg(a.attnum ORDER BY a.attnum) FILTER (WHERE a.attnum > 0) AS numbers,
           array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum > 0) AS names,
           array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) FILTER (WHERE a.attnum > 0) AS types,
           array_agg(a.attnotnull ORDER BY a.attnum) FILTER (WHERE a.attnum > 0) AS required
    FROM (SELECT c.oid, n.nspname, c.relname, c.relkind {_RELATIONS}) r
    LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY r.oid, r.nspname, r.relname, r.relkind ORDER BY r.nspname, r.relname
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
        -- With another search path a name may mean another table.
        current_schemas(false),
        (SELECT string_agg(concat_ws(',', s.nspname, s.relname, s.relkind, s.names, s.types, s.required), ';'
                           ORDER BY s.nspname, s.relname) FROM ({_COLUMNS}) s),
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
    columns = {row.oid: dict(zip(row.numbers or (), row.names or (), strict=True)) for row in rows}
    names = {row.oid: RelationName(row.nspname, row.relname) for row in rows}
    keys = defaultdict[int, list[Any]](list)
    for row in (await connection.exec_driver_sql(_KEYS)).all():
        keys[row.owner].append(row)
    return tuple(_relation(row, names, columns, keys[row.oid]) for row in rows)


def _relation(
    row: Any,
    names: Mapping[int, RelationName],
    columns: Mapping[int, Mapping[int, str]],
    keys: Sequence[Any],
) -> Relation:
    def named(of: int, numbers: Sequence[int] | None) -> tuple[str, ...]:
        return tuple(columns[of][number] for number in numbers or ())

    return Relation(
        name=names[row.oid],
        kind="view" if _text(row.relkind) in "vm" else "table",
        columns=tuple(
            Column(name, type_name, not required)
            for name, type_name, required in zip(row.names or (), row.types or (), row.required or (), strict=True)
        ),
        primary_key=next((named(row.oid, key.columns) for key in keys if key.kind == "p"), ()),
        unique=tuple(named(row.oid, key.columns) for key in keys if key.kind == "u"),
        foreign_keys=tuple(
            ForeignKey(named(row.oid, key.columns), names[key.refers_to], named(key.refers_to, key.referred))
            for key in keys
            if key.kind == "f" and key.refers_to in names
        ),
    )


def _text(char: str | bytes) -> str:
    # asyncpg gives PostgreSQL's "char" as bytes.
    return char.decode() if isinstance(char, bytes) else char
