"""What may be said of SQL without a database: whether it only reads, its parameters, the columns it gives.

Import it late: sqlglot takes a third of a second. The database enforces read-only as well (blocks/sources.py); this
check exists so that a definition that writes is refused before anything runs.
"""

from sqlglot import ErrorLevel, exp, parse
from sqlglot.errors import SqlglotError

from blocks.errors import QueryRefused

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
)


def read_only(sql: str, dialect: str = "") -> exp.Query:
    """The parsed statement, when it is one statement that only reads.

    Raises:
        QueryRefused: it cannot be parsed, is several statements, or writes; says which.
    """
    try:
        statements = [tree for tree in parse(sql, dialect=dialect or None, error_level=ErrorLevel.RAISE) if tree]
    except SqlglotError as error:
        reason = str(error).splitlines()[0]
        raise QueryRefused(f"the SQL cannot be parsed: {reason}", mend="write one SELECT statement") from error
    if len(statements) != 1:
        raise QueryRefused(f"the SQL has {len(statements)} statements", mend="write one SELECT statement")
    tree = statements[0]
    writing = next(iter(tree.find_all(*_WRITES, exp.Into)), None)
    if writing is not None or not isinstance(tree, exp.Query):
        word = (writing or tree).key.upper()
        raise QueryRefused(
            f"the SQL writes or is no query ({word})",
            means="a query node only reads",
            mend="write one SELECT statement",
        )
    return tree


def parameter_names(sql: str) -> tuple[str, ...]:
    """The names bound as `:name`, once each, in order."""
    found = [str(node.this) for node in read_only(sql).find_all(exp.Placeholder) if node.this]
    return tuple(dict.fromkeys(found))


def column_names(sql: str) -> tuple[str, ...]:
    """The columns that the statement gives, as far as it names them; `*` gives none."""
    names = read_only(sql).named_selects
    return () if "*" in names else tuple(names)
