"""Whether SQL that a model wrote may be run: one SELECT, of what the schema has, with a limit. It asks no database."""

from sqlglot import exp

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Dialect, Snapshot
from tasks.question.functions import FUNCTIONS
from tasks.sql.guard import SQLGLOT_NAMES, read_only
from tasks.sql.usage import usage


def checked(sql: str, schema: Snapshot, max_rows: int) -> str:
    """The statement with a limit of one row more than may be read, so that a cut is seen.

    Raises:
        QueryRefused: it is not one SELECT, uses what the schema does not have, has a parameter, or calls a function
            that reaches beyond the data.
    """
    dialect = SQLGLOT_NAMES[schema.dialect]
    tree = read_only(sql, dialect)
    if parameter := next(tree.find_all(exp.Placeholder, exp.Parameter), None):
        raise QueryRefused(f"the SQL has a parameter ({parameter.sql(dialect)})", mend="write the value itself")
    for call in tree.find_all(exp.Func):
        _refuse_unknown(call, schema.dialect)
    usage(sql, schema)
    return _limited(tree, dialect, max_rows + 1)


def _refuse_unknown(call: exp.Func, dialect: Dialect) -> None:
    """Refuses a function that is not known to look at nothing but its arguments."""
    name, place = call.name.lower(), call.parent
    unknown = isinstance(call, exp.Anonymous) and name not in FUNCTIONS[dialect]
    schema = place.left.name if isinstance(place, exp.Dot) else place.db if isinstance(place, exp.Table) else ""
    if schema:  # in another schema than PostgreSQL's it is somebody's own, whatever its name
        name = f"{schema}.{name or call.sql_name()}".lower()
        unknown = unknown or schema.lower() != "pg_catalog"
    if unknown:
        raise QueryRefused(
            f"the SQL calls {name}",
            means="it may reach beyond the data",
            mend="use the database's own functions of texts, numbers, dates, JSON, arrays, groups and windows",
        )


def _limited(tree: exp.Query, dialect: str, rows: int) -> str:
    limit = tree.args.get("limit")
    given = limit.expression if isinstance(limit, exp.Limit) else None
    if limit is not None and not (isinstance(given, exp.Literal) and given.name.isdecimal()):
        # FETCH FIRST, or a limit that is computed or written as 1e3: what is read is bounded all the same.
        return tree.sql(dialect)
    if given is not None and int(given.name) <= rows:
        return tree.sql(dialect)
    return tree.limit(rows).sql(dialect)
