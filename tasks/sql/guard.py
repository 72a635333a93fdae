"""What may be said of SQL without a database: whether it only reads, its parameters, the columns it gives.

Import it late: sqlglot takes a third of a second. The database enforces read-only as well (blocks/sources.py); this
check exists so that a definition that writes is refused before anything runs.
"""

import logging
from functools import lru_cache

from sqlglot import ErrorLevel, exp, parse
from sqlglot.errors import ParseError, SqlglotError

from blocks.errors import QueryRefused

# It logs a warning for each statement that it does not know; such a statement is refused here anyway.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

SQLGLOT_NAMES = {"sqlite": "sqlite", "postgresql": "postgres"}
"""What sqlglot calls the dialects."""
_MEND = "write one SELECT statement"
_DIALECTS = ("", "postgres", "sqlite")
"""Tried in turn: a definition does not say which database its source will be."""
_WRITES = (
    exp.Insert,
    exp.Update,
    exp.Delete,
    exp.Merge,
    exp.Create,
    exp.Drop,
    exp.Alter,
    exp.TruncateTable,
    exp.Command,
    exp.Into,
    exp.Lock,
)
_WORDS: dict[type[exp.Expr], str] = {exp.Into: "SELECT INTO", exp.Lock: "FOR UPDATE"}


@lru_cache(maxsize=1024)
def read_only(sql: str, dialect: str = "") -> exp.Query:
    """The parsed statement, when it is one statement that only reads. It is shared: copy it before changing it.

    Raises:
        QueryRefused: it cannot be parsed, is several statements, writes, or has a parameter without a name; says which.
    """
    try:
        statements = _parsed(sql, dialect)
    except RecursionError as error:
        raise QueryRefused("the SQL is nested too deeply", mend="write it with a WITH") from error
    if not statements:
        raise QueryRefused("there is no SQL", mend=_MEND)
    if len(statements) > 1:
        raise QueryRefused(f"the SQL is {len(statements)} statements", mend=_MEND)
    tree = statements[0]
    writing = next(iter(tree.find_all(*_WRITES)), None)
    if writing is not None or not isinstance(tree, exp.Query):
        word = _WORDS.get(type(writing)) if writing else None
        raise QueryRefused(
            f"the SQL writes, locks or is no query ({word or _first_word(writing or tree)})",
            means="a query node only reads",
            mend=_MEND,
        )
    for parameter in tree.find_all(exp.Placeholder, exp.Parameter):
        if not _name(parameter) or f":{_name(parameter)}" not in sql:
            raise QueryRefused(
                f"the SQL has a parameter that cannot be bound ({parameter.sql(comments=False)})",
                mend="write it as :name, after an input",
            )
    return tree


def parameter_names(sql: str) -> tuple[str, ...]:
    """The names bound as `:name`, once each, in order."""
    return tuple(dict.fromkeys(_name(node) for node in read_only(sql).find_all(exp.Placeholder)))


def column_names(sql: str) -> tuple[str, ...]:
    """The columns that the statement gives, as far as it names them; `*` gives none."""
    tree = read_only(sql)
    return () if tree.is_star else tuple(name for column in tree.selects if (name := column.output_name))


def unnamed_columns(sql: str) -> int:
    """How many columns have no name of their own, so that each database makes up another."""
    tree = read_only(sql)
    return 0 if tree.is_star else sum(not column.output_name for column in tree.selects)


def _parsed(sql: str, dialect: str) -> list[exp.Expr]:
    """The statements, in the first dialect that knows all of them."""
    refused: QueryRefused | None = None
    for candidate in (dialect,) if dialect else _DIALECTS:
        try:
            trees = parse(sql, dialect=candidate or None, error_level=ErrorLevel.RAISE)
        except SqlglotError as error:
            refused = refused or _unreadable(error)
        else:
            # A comment after the last semicolon is parsed as a statement of its own.
            return [tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon)]
    raise refused or QueryRefused("the SQL cannot be parsed", mend=_MEND)


def _unreadable(error: SqlglotError) -> QueryRefused:
    if isinstance(error, ParseError) and error.errors:
        where = error.errors[0]
        before = f"{where['start_context'] or ''}{where['highlight'] or ''}".split("\n")[-1].strip()[-30:]
        return QueryRefused(f"the SQL cannot be parsed: line {where['line']} is wrong near {before!r}", mend=_MEND)
    return QueryRefused("the SQL cannot be parsed: a quote or comment has no end", mend="close it")


def _first_word(tree: exp.Expr) -> str:
    return tree.sql(comments=False).partition(" ")[0].upper()


def _name(parameter: exp.Expr) -> str:
    return str(parameter.this or "") if isinstance(parameter, exp.Placeholder) else ""
