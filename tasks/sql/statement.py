"""SQL as SQLAlchemy runs it, with its parameters bound, and its rows as a typed table."""

import re
from collections.abc import Collection, Mapping
from itertools import pairwise

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from blocks.errors import QueryRefused
from tasks.outcome import Table

_BEFORE_SLICE = re.compile(r"[\w)\]]")


def statement(sql: str, values: Mapping[str, object], *, explain: bool = False) -> TextClause:
    """The SQL with a value for each of its `:name` parameters; `explain`: the database is to say how it would run."""
    colons = _colons(sql, values.keys())
    # SQLAlchemy would take a colon in a literal, a comment or before `::type` for a parameter's, so those are escaped.
    escaped = "".join(char if char != ":" or at in colons else r"\:" for at, char in enumerate(sql))
    # In front of the SQL only here: sqlglot takes all that stands after an EXPLAIN for one text.
    return text(f"EXPLAIN {escaped}" if explain else escaped).bindparams(
        *(bindparam(name, values[name]) for name in dict.fromkeys(colons.values()))
    )


def _colons(sql: str, names: Collection[str]) -> dict[int, str]:
    """The place of every colon that begins a parameter, with the parameter's name."""
    if not names:
        return {}
    from sqlglot import TokenError, TokenType, tokenize  # slow to import

    try:
        tokens = tokenize(sql)
    except TokenError:  # such as a literal in dollars; the guard has parsed it, so one dialect knows it
        tokens = tokenize(sql, dialect="postgres")
    return {
        colon.start: name.text
        for colon, name in pairwise(tokens)
        if colon.token_type is TokenType.COLON
        and name.start == colon.end + 1
        and name.text in names
        and name.text.isidentifier()
        # In `prices[1:last]` the colon is a slice's.
        and not _BEFORE_SLICE.match(sql, colon.start - 1)
    }


async def fetch(connection: AsyncConnection, bound: TextClause, max_rows: int) -> tuple[Table, bool]:
    """The statement's first rows as a typed table, and whether there are more.

    Raises:
        QueryRefused: two columns have the same name, or a value has no type that a table knows.
    """
    from tasks.frames import table_of_rows  # pandas is slow to import; a run without rows never needs it

    async with connection.stream(bound) as result:
        names = list(result.keys())
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise QueryRefused(f"the SQL gives two columns called {', '.join(twice)}", mend="name each with AS")
        rows = await result.fetchmany(max_rows + 1)
    try:
        return table_of_rows(names, rows[:max_rows]), len(rows) > max_rows
    except TypeError as error:
        raise QueryRefused(f"the SQL's {error}", mend="give it as text or as a number, with CAST") from error
