"""Whether SQL that a model wrote may be run: one SELECT, of what the schema has, with a limit. It asks no database."""

import re

from sqlglot import exp

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Snapshot
from tasks.query.guard import read_only
from tasks.query.usage import usage

_FUNCTIONS = re.compile(r"pg_|lo_|dblink|set_config|query_to_xml|cursor_to_xml|database_to_xml|load_extension|readfile")
"""What reaches beyond the data: the server's files, other sessions, other databases, SQL in a text."""
_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgres"}


def checked(sql: str, schema: Snapshot, max_rows: int) -> str:
    """The statement with a limit of one row more than may be read, so that a cut is seen.

    Raises:
        QueryRefused: it is not one SELECT, uses what the schema does not have, has a parameter, or calls a function
            that reaches beyond the data.
    """
    dialect = _DIALECTS[schema.dialect]
    tree = read_only(sql, dialect)
    if parameter := next(tree.find_all(exp.Placeholder, exp.Parameter), None):
        raise QueryRefused(f"the SQL has a parameter ({parameter.sql(dialect)})", mend="write the value itself")
    for call in tree.find_all(exp.Func):
        name = call.name if isinstance(call, exp.Anonymous) else call.sql_name()
        if _FUNCTIONS.match(name.lower()):
            raise QueryRefused(f"the SQL calls {name.lower()}", mend="use no function that reaches beyond the data")
    usage(sql, schema)
    return _limited(tree, dialect, max_rows + 1)


def _limited(tree: exp.Query, dialect: str, rows: int) -> str:
    limit = tree.args.get("limit")
    given = limit.expression if isinstance(limit, exp.Limit) else None
    if limit is not None and not isinstance(given, exp.Literal):
        return tree.sql(dialect)  # FETCH FIRST, or a limit that is computed: what is read is bounded all the same
    if given is not None and int(given.name) <= rows:
        return tree.sql(dialect)
    return tree.limit(rows).sql(dialect)
