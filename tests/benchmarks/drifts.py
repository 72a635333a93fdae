"""What happens to the databases of the drift benchmark: one change each, as the statements that make it.

New names are drawn from a seeded generator in several styles, so that no list of words or suffixes can foresee them.

Views on SQLite are texts: a column's new name is written into them, a table's is not, and one that names what has gone
fails when it is read. PostgreSQL follows both renames; where a table is made anew, the views are dropped and those
that can still be made are made again, and so are the foreign keys that point to it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.schemas.snapshot import Dialect
from tests.benchmarks.drift_databases import ORDERED_TEXT, quoted
from tests.benchmarks.drift_names import Names
from tests.benchmarks.drift_originals import Original
from tests.benchmarks.drift_subjects import Kind

NOT_REBUILDABLE: frozenset[Kind] = frozenset(
    {
        "column_removed",
        "column_retyped_other_meaning",
        "column_renamed_to_decoy",
        "table_removed",
        "table_removed_with_decoy",
        "ambiguous",
    }
)

_TYPES: Mapping[Dialect, Mapping[str, str]] = {
    "sqlite": {
        "int": "INTEGER",
        "big": "BIGINT",
        "num": "NUMERIC",
        "real": "REAL",
        "text": "TEXT",
        "date": "DATE",
        "time": "DATETIME",
        "blob": "BLOB",
        "bool": "BOOLEAN",
    },
    "postgresql": {
        "int": "integer",
        "big": "bigint",
        "num": "numeric",
        "real": "double precision",
        "text": ORDERED_TEXT,
        "date": "date",
        "time": "timestamp",
        "blob": "bytea",
        "bool": "boolean",
    },
}
_COLLATION = ' COLLATE "C"'
_RENAMING_TABLES: frozenset[Kind] = frozenset({"table_renamed", "table_renamed_and_columns_renamed", "ambiguous"})
_RENAMING_SEVERAL: frozenset[Kind] = frozenset({"columns_swapped_names", "table_renamed_and_columns_renamed"})
_MAKING_ANEW: frozenset[Kind] = frozenset(
    {
        "column_removed",
        "column_retyped_same_meaning",
        "column_retyped_other_meaning",
        "column_renamed_to_decoy",
        "column_made_nullable",
        "column_moved",
        "table_split",
        "tables_stacked",
        "tables_widened",
    }
)
_KEEP_DEPENDANTS = """
    DO $$ DECLARE each record; BEGIN
        CREATE TEMP TABLE kept ON COMMIT DROP AS
        SELECT oid, oid::regclass::text AS name,
               format('CREATE VIEW %s AS %s', oid::regclass, pg_get_viewdef(oid)) AS make
        FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
        UNION ALL
        SELECT oid, NULL,
               format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace;
        FOR each IN SELECT name FROM kept WHERE name IS NOT NULL LOOP
            EXECUTE format('DROP VIEW IF EXISTS %s CASCADE', each.name);
        END LOOP;
    END $$"""
_MAKE_DEPENDANTS = """
    DO $$ DECLARE each record; BEGIN
        FOR each IN SELECT make FROM kept ORDER BY oid LOOP
            BEGIN EXECUTE each.make; EXCEPTION WHEN OTHERS THEN NULL; END;
        END LOOP;
    END $$"""


@dataclass(frozen=True)
class Drift:
    """One change of a database."""

    kind: Kind
    name: str
    statements: tuple[str, ...]
    """In one transaction; on SQLite that begins after the first PRAGMA."""
    rebuildable: bool
    """Whether the rows tell the old answer of a query that uses what changes, and nothing else could be meant."""
    touches: Mapping[str, frozenset[str]]
    """By table as it was: the columns that are changed or gone; none of them where it only gains some."""


async def apply(drift: Drift, connection: AsyncConnection) -> None:
    """Changes the database; the caller commits."""
    for statement in drift.statements:
        await connection.exec_driver_sql(statement)


def drifts(original: Original, dialect: Dialect, seed: int) -> list[Drift]:
    """Every drift of that database; the same for the same seed."""
    builder = _Builder(original, dialect, seed)
    return [
        builder.drift(kind, subject)
        for kind, subjects in original.subjects.items()
        if kind != "table_renamed_to_other_schema" or dialect == "postgresql"
        for subject in subjects
    ]


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    key: bool
    not_null: bool
    refers: str
    """The table whose key it holds; empty: none."""


_Part = tuple[_Column, str]
"""A column of a new table, and the SQL of its value."""


def _columns(described: str) -> list[_Column]:
    found = []
    for column in described.split(", "):
        name, kind, *more = column.split()
        refers = next((word[1:] for word in more if word.startswith(">")), "")
        found.append(_Column(name, kind.rstrip("!"), "key" in more, kind.endswith("!"), refers))
    return found


_Made = tuple[list[str], Mapping[str, Iterable[str]]]
"""The statements, and the old columns that they change by table."""


class _Builder:
    """Makes the drifts of one database in one dialect; each draws new names."""

    def __init__(self, original: Original, dialect: Dialect, seed: int) -> None:
        self._dialect = dialect
        self._tables = {name: _columns(described) for name, described in original.tables.items()}
        self._random = Random(f"{seed} {original.name} {dialect}")  # noqa: S311  # names for a benchmark, no secrets
        taken = [*self._tables, *(column.name for columns in self._tables.values() for column in columns)]
        self._names = Names(self._random, dialect, taken)

    def drift(self, kind: Kind, subject: str) -> Drift:
        """One of that kind on the subject."""
        where, _, how = subject.partition(":")
        statements, touches = _MAKERS[kind](self, where, how)
        return Drift(
            kind,
            f"{kind} {subject}".strip(),
            (*self._before(kind), *statements, *self._after(kind)),
            kind not in NOT_REBUILDABLE,
            {table: frozenset(columns) for table, columns in touches.items()},
        )

    def column_added(self, where: str, how: str) -> _Made:
        table, _, name = where.partition(".")
        kind, value = self._random.choice((("text", "'new'"), ("int", "7"), ("num", "0.5")))
        added = f"{quoted(name or self._names.new(table))} {self._type(kind)} DEFAULT {value}"
        return [f"ALTER TABLE {quoted(table)} ADD COLUMN {added}"], {table: ()}

    def column_removed(self, where: str, how: str) -> _Made:
        table, names = _split(where)
        return self._replaced(table, self._parts(table, but=names)), {table: names}

    def column_retyped_same_meaning(self, where: str, how: str) -> _Made:
        table, (name,) = _split(where)
        cast = f"CAST({quoted(name)} AS {self._type(how).removesuffix(_COLLATION)})"
        return self._replaced(table, self._parts(table, {name: (how, name, cast)})), {table: [name]}

    def column_retyped_other_meaning(self, where: str, how: str) -> _Made:
        table, (name,) = _split(where)
        column = quoted(name)
        epoch = f"strftime('%s', {column})" if self._dialect == "sqlite" else f"EXTRACT(EPOCH FROM {column})"
        values = {
            "cents": ("int", f"CAST(ROUND({column} * 100) AS INTEGER)"),
            # The word first, as SQLite would add up the numbers before one.
            "worded": ("text", f"'{self._names.word().lower()} ' || CAST({column} AS TEXT)"),
            "epoch": ("big", f"CAST({epoch} AS BIGINT)"),
            "inverted": ("int", f"1 - CAST({column} AS INTEGER)"),
        }
        kind, value = values[how]
        return self._replaced(table, self._parts(table, {name: (kind, name, value)})), {table: [name]}

    def column_renamed(self, where: str, how: str) -> _Made:
        table, (name,) = _split(where)
        return [self._renamed_column(table, name, self._names.new(name))], {table: [name]}

    def column_renamed_to_decoy(self, where: str, how: str) -> _Made:
        table, (name,) = _split(where)
        old = next(column for column in self._tables[table] if column.name == name)
        other = quoted(name, "b")
        if old.type in ("int", "num", "real") and self._random.random() < 0.5:
            other = f"{quoted(name, 'a')} * 3 + 1"
        changed = {name: (old.type, self._names.similar(name), other)}
        return self._replaced(table, self._parts(table, changed, of="a"), self._shuffled(table)), {table: [name]}

    def column_made_nullable(self, where: str, how: str) -> _Made:
        table, names = _split(where)
        parts = [
            (replace(column, not_null=column.not_null and column.name not in names), value)
            for column, value in self._parts(table)
        ]
        return self._replaced(table, parts), {table: names}

    def column_moved(self, where: str, how: str) -> _Made:
        place, _, target = where.partition(">")
        table, (name,) = _split(place)
        without = self._replaced(table, self._parts(table, but=[name]))
        named = self._random.choice((name, self._names.new(name)))
        if not target:
            kept = [column.name for column in self._tables[table] if column.key]
            others = [column.name for column in self._tables[table] if column.name not in (*kept, name)]
            old = next(column for column in self._tables[table] if column.name == name)
            parts = self._parts(table, {name: (old.type, named, quoted(name))}, but=others)
            return [*self._created(self._names.new(table), parts, quoted(table)), *without], {table: [name]}
        goal, (link,) = _split(target)
        here, there = link.split("=")
        if any(column.name == named for column in self._tables[goal]):
            named = self._names.new(name)
        held = f"SELECT MIN({quoted(name, 's')}) FROM {quoted(table)} AS s WHERE {quoted(here, 's')}"  # noqa: S608  # the subjects name them
        return [
            f"ALTER TABLE {quoted(goal)} ADD COLUMN {quoted(named)} {self._type('text')}",
            f"UPDATE {quoted(goal)} SET {quoted(named)} = ({held} = {quoted(there, goal)})",  # noqa: S608  # as above
            *without,
        ], {table: [name], goal: ()}

    def columns_swapped_names(self, where: str, how: str) -> _Made:
        table, (one, other) = _split(where)
        touches = {table: [one, other]}
        between = self._names.word()
        pairs = ((one, between), (other, one), (between, other))
        return [self._renamed_column(table, old, new) for old, new in pairs], touches

    def table_added(self, where: str, how: str) -> _Made:
        if where:
            return self._decoy(where), {}
        columns = [_Column(self._names.word(), kind, at == 0, False, "") for at, kind in enumerate(("int", "text"))]
        return self._created(self._names.word(), [(columns[0], "1"), (columns[1], "'new'")]), {}

    def table_removed(self, where: str, how: str) -> _Made:
        return [self._dropped(where)], self._whole(where)

    def table_removed_with_decoy(self, where: str, how: str) -> _Made:
        return [*self._decoy(where), self._dropped(where)], self._whole(where)

    def table_renamed(self, where: str, how: str) -> _Made:
        return [_renamed(where, self._names.new(where))], self._whole(where)

    def table_renamed_to_other_schema(self, where: str, how: str) -> _Made:
        schema = quoted(self._names.word().lower())
        moved = f"ALTER TABLE {quoted(where)} SET SCHEMA {schema}"
        return [f"CREATE SCHEMA {schema}", moved], self._whole(where)

    def table_split(self, where: str, how: str) -> _Made:
        table, leaving = _split(where)
        staying = [column.name for column in self._tables[table] if not column.key and column.name not in leaving]
        made = self._created(self._names.new(table), self._parts(table, but=staying), quoted(table))
        kept = self._parts(table, but=leaving)
        if how == "both":
            made += [*self._created(self._names.new(table), kept, quoted(table)), self._dropped(table)]
            return made, self._whole(table)
        return [*made, *self._replaced(table, kept)], {table: leaving}

    def tables_stacked(self, where: str, how: str) -> _Made:
        one, other = where.split("+")
        kinds = self._random.choice((("1", "2"), (self._names.word(), self._names.word()), (one, other)))
        keys = [next(column for column in self._tables[table] if column.key) for table in (one, other)]
        marks = _Column(self._names.word(), "text", how == "one", True, "")
        shared = "int" if {key.type for key in keys} == {"int"} else "text"
        common = replace(keys[0], name=self._names.word(), type=shared)
        columns = {marks.name: marks}
        for key in keys:
            new = common if how == "one" else replace(key, key=False)
            columns[new.name] = new
        for column in (*self._tables[one], *self._tables[other]):
            if not column.key:
                columns.setdefault(column.name, replace(column, not_null=False, refers=""))
        # Every third column that is no key is named anew.
        named = {name: self._names.new(name) for name in list(columns)[4::3]}
        made: list[str] = []
        stacked = self._names.new(one)
        for table, key, kind in zip((one, other), keys, kinds, strict=True):
            values = {column.name: quoted(column.name) for column in self._tables[table]}
            cast = f"CAST({quoted(key.name)} AS {self._type(shared).removesuffix(_COLLATION)})"
            values |= {marks.name: f"'{kind}'", common.name: cast}
            parts = [
                (replace(column, name=named.get(name, name)), values.get(name, f"CAST(NULL AS {self._plain(column)})"))
                for name, column in columns.items()
            ]
            # The second fills the table that the first created.
            made += self._created(stacked, parts, quoted(table))[bool(made) :]
        return [*made, self._dropped(one), self._dropped(other)], self._whole(one, other)

    def tables_widened(self, where: str, how: str) -> _Made:
        one, other = where.split("+")
        here, there = how.split("=")
        own = {column.name for column in self._tables[one]}
        parts = self._parts(one, of="a")
        for column in self._tables[other]:
            if column.name != there:
                named = self._names.new(column.name) if column.name in own else column.name
                parts.append((replace(column, name=named, key=False, not_null=False), quoted(column.name, "b")))
        on = f"{quoted(here, 'a')} = {quoted(there, 'b')}"
        source = f"{quoted(one)} AS a LEFT JOIN {quoted(other)} AS b ON {on}"
        # What referred to the other table refers to nothing now.
        parts = [
            (replace(column, refers="" if column.refers == other else column.refers), sql) for column, sql in parts
        ]
        if self._random.random() < 0.5:
            return [*self._replaced(one, parts, source), self._dropped(other)], {**self._whole(other), one: ()}
        made = self._created(self._names.new(one), parts, source)
        return [*made, self._dropped(one), self._dropped(other)], self._whole(one, other)

    def table_renamed_and_columns_renamed(self, where: str, how: str) -> _Made:
        columns = [column.name for column in self._tables[where]]
        changed = self._random.sample(columns, k=len(columns) * 2 // 3)
        renamed = [self._renamed_column(where, name, self._names.new(name)) for name in changed]
        return [*renamed, *self._then_as_of_old(), _renamed(where, self._names.new(where))], self._whole(where)

    def ambiguous(self, where: str, how: str) -> _Made:
        copied = self._created(self._names.similar(where), self._parts(where), quoted(where))
        return [*copied, _renamed(where, self._names.similar(where))], self._whole(where)

    def _before(self, kind: Kind) -> Sequence[str]:
        if self._dialect == "sqlite":
            # Foreign keys follow a table's new name only if they are on. The old way of altering leaves a table's name
            # in the views as it was, lets a column's new name break one, and then can rename no further column.
            keys = "ON" if kind in _RENAMING_TABLES else "OFF"
            legacy = "OFF" if kind in _RENAMING_SEVERAL else "ON"
            return (f"PRAGMA foreign_keys={keys}", f"PRAGMA legacy_alter_table={legacy}")
        return (_KEEP_DEPENDANTS,) if kind in _MAKING_ANEW else ()

    def _after(self, kind: Kind) -> Sequence[str]:
        return (_MAKE_DEPENDANTS,) if self._dialect == "postgresql" and kind in _MAKING_ANEW else ()

    def _then_as_of_old(self) -> Sequence[str]:
        return ("PRAGMA legacy_alter_table=ON",) if self._dialect == "sqlite" else ()

    def _type(self, kind: str) -> str:
        return _TYPES[self._dialect][kind]

    def _plain(self, column: _Column) -> str:
        return self._type(column.type).removesuffix(_COLLATION)

    def _whole(self, *tables: str) -> Mapping[str, Iterable[str]]:
        return {table: [column.name for column in self._tables[table]] for table in tables}

    def _parts(
        self,
        table: str,
        changed: Mapping[str, tuple[str, str, str]] | None = None,
        but: Sequence[str] = (),
        of: str = "",
    ) -> list[_Part]:
        """The table's columns, some with another type, name and value, some left out."""
        parts = []
        for column in self._tables[table]:
            kind, name, value = (changed or {}).get(column.name, (column.type, column.name, quoted(column.name, of)))
            if column.name not in but:
                parts.append((replace(column, type=kind, name=name), value))
        return parts

    def _created(self, name: str, parts: Sequence[_Part], source: str = "", referring: bool = True) -> list[str]:
        """The statements that create the table and fill it."""
        lines = [
            f"{quoted(column.name)} {self._type(column.type)}{' NOT NULL' * (column.not_null or column.key)}"
            for column, _ in parts
        ]
        if key := [quoted(column.name) for column, _ in parts if column.key]:
            lines.append(f"PRIMARY KEY ({', '.join(key)})")
        for column, _ in parts:
            if column.refers and referring:
                lines.append(f"FOREIGN KEY ({quoted(column.name)}) REFERENCES {self._key_of(column.refers)}")
        values = ", ".join(value for _, value in parts)
        rows = f"SELECT {values} FROM {source}" if source else f"VALUES ({values})"  # noqa: S608  # the subjects name them
        return [f"CREATE TABLE {quoted(name)} ({', '.join(lines)})", f"INSERT INTO {quoted(name)} {rows}"]

    def _key_of(self, table: str) -> str:
        key = next(column.name for column in self._tables[table] if column.key)
        return f"{quoted(table)} ({quoted(key)})"

    def _replaced(self, table: str, parts: Sequence[_Part], source: str = "") -> list[str]:
        """The statements that put other columns under the table's name."""
        between = self._names.word()
        made = self._created(between, parts, source or quoted(table), referring=self._dialect == "sqlite")
        return [*made, self._dropped(table), _renamed(between, table)]

    def _dropped(self, table: str) -> str:
        return f"DROP TABLE {quoted(table)}{' CASCADE' * (self._dialect == 'postgresql')}"

    def _renamed_column(self, table: str, old: str, new: str) -> str:
        return f"ALTER TABLE {quoted(table)} RENAME COLUMN {quoted(old)} TO {quoted(new)}"

    def _decoy(self, table: str) -> list[str]:
        """A table much like this one, with the values of other rows beside its keys."""
        columns = self._tables[table]
        changed = {
            column.name: (column.type, column.name, quoted(column.name, "a" if column.key else "b"))
            for column in columns
        }
        return self._created(self._names.similar(table), self._parts(table, changed), self._shuffled(table))

    def _shuffled(self, table: str) -> str:
        """A source of two rows at a time: `a` in order, and `b` in the opposite order."""
        keys = [quoted(column.name) for column in self._tables[table] if column.key]
        up, down = ", ".join(keys), ", ".join(f"{key} DESC" for key in keys)
        rows = 'SELECT *, ROW_NUMBER() OVER (ORDER BY {}) AS "#" FROM {}'
        a, b = (rows.format(order, quoted(table)) for order in (up, down))
        return f'({a}) AS a JOIN ({b}) AS b ON a."#" = b."#"'


def _split(where: str) -> tuple[str, list[str]]:
    """The table and its columns."""
    table, _, names = where.partition(".")
    return table, names.split(",")


def _renamed(table: str, new: str) -> str:
    return f"ALTER TABLE {quoted(table)} RENAME TO {quoted(new)}"


_MAKERS: Mapping[Kind, Callable[[_Builder, str, str], _Made]] = {
    "column_added": _Builder.column_added,
    "column_removed": _Builder.column_removed,
    "column_retyped_same_meaning": _Builder.column_retyped_same_meaning,
    "column_retyped_other_meaning": _Builder.column_retyped_other_meaning,
    "column_renamed": _Builder.column_renamed,
    "column_renamed_to_decoy": _Builder.column_renamed_to_decoy,
    "column_made_nullable": _Builder.column_made_nullable,
    "column_moved": _Builder.column_moved,
    "columns_swapped_names": _Builder.columns_swapped_names,
    "table_added": _Builder.table_added,
    "table_removed": _Builder.table_removed,
    "table_removed_with_decoy": _Builder.table_removed_with_decoy,
    "table_renamed": _Builder.table_renamed,
    "table_renamed_to_other_schema": _Builder.table_renamed_to_other_schema,
    "table_split": _Builder.table_split,
    "tables_stacked": _Builder.tables_stacked,
    "tables_widened": _Builder.tables_widened,
    "table_renamed_and_columns_renamed": _Builder.table_renamed_and_columns_renamed,
    "ambiguous": _Builder.ambiguous,
}
