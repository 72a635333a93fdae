"""A statement's tree in sqlglot's usual form, and what its nodes and scopes are to each other and to a person."""

from collections.abc import Iterator, Sequence

from sqlglot import exp
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.optimizer.scope import Scope, ScopeType

from tasks.sql.guard import SQLGLOT_NAMES, read_only


def normal_tree(sql: str, *, sqlite: bool) -> exp.Expr:
    """The statement's tree in sqlglot's usual form; SQLite shows names as they were written, so they are kept."""
    dialect = SQLGLOT_NAMES["sqlite" if sqlite else "postgresql"]
    tree = read_only(sql, dialect).copy()
    for identifier in tree.find_all(exp.Identifier) if sqlite else ():
        identifier.meta["written"] = identifier.name
    for each in tree.find_all(exp.With, exp.In) if sqlite else ():
        table = each.args.get("field")
        if isinstance(each, exp.With):
            each.set("recursive", True)  # SQLite does not need the word.
        elif isinstance(table, exp.Column):  # x IN a_table
            whole = exp.select("*").from_(exp.Table(this=table.this, db=table.args.get("table")), copy=False)
            each.set("field", None)
            each.set("query", whole.subquery(copy=False))
    for table in tree.find_all(exp.Table):
        _name_function(table, sqlite=sqlite)
    tree = normalize_identifiers(tree, dialect=dialect)
    for table in tree.find_all(exp.Table) if not sqlite else ():
        if not table.alias and isinstance(table.this, exp.Identifier):
            # qualify_tables would write it in lower case, also where its name is in quotes (30.30).
            table.set("alias", exp.TableAlias(this=table.this.copy()))
    return qualify_tables(tree, dialect=dialect)


def _name_function(table: exp.Table, *, sqlite: bool) -> None:
    """Give a table function the name, and generate_series the column, that the databases give it."""
    series = isinstance(table.this, exp.GenerateSeries | exp.ExplodingGenerateSeries)
    if not series and not isinstance(table.this, exp.Anonymous):
        return
    alias = table.args.get("alias") or exp.TableAlias()
    if not alias.this:
        alias.set("this", exp.to_identifier("generate_series" if series else table.this.name))
    if series and not alias.columns:
        alias.set("columns", [exp.to_identifier("value") if sqlite else alias.this.copy()])
    table.set("alias", alias)


def visible(scope: Scope) -> Iterator[Scope]:
    """The scope, and those around it whose columns it may use; a sub-query in FROM does not see its neighbours."""
    yield scope
    while scope.parent is not None:
        sees = scope.scope_type in (ScopeType.SUBQUERY, ScopeType.UDTF, ScopeType.SET_OPERATION)
        scope = scope.parent
        if sees:
            yield scope


def visible_ctes(node: exp.Expr, *, sqlite: bool) -> Iterator[exp.Expr]:
    """The CTEs that a name without a schema may mean where the node stands, the innermost WITH's first."""
    below, above = node, node.parent
    while above is not None:
        ctes = above if isinstance(above, exp.With) else above.args.get("with_")
        if ctes is not None and ctes is not below:
            inside = [at for at, cte in enumerate(ctes.expressions) if cte is below]
            only_before = inside and not (sqlite or ctes.recursive)
            yield from ctes.expressions[: inside[0]] if only_before else ctes.expressions
        below, above = above, above.parent


def is_top(scope: Scope) -> bool:
    """Whether the scope's outputs are the statement's."""
    while scope.is_set_operation and scope.parent is not None:
        scope = scope.parent
    return scope.is_root


def within(node: exp.Expr | None, place: exp.Expr | None) -> bool:
    while node is not None and node is not place:
        node = node.parent
    return node is not None


def names_given(query: exp.Select) -> set[str]:
    """The names given with AS."""
    return {each.alias for each in query.selects if isinstance(each, exp.Alias)}


def as_written(identifier: exp.Expr) -> str:
    return str(identifier.meta.get("written", identifier.name))


def aliases(node: exp.Expr | None) -> list[str]:
    """The names in a column list, as in `AS t(a, b)`."""
    alias = node.args.get("alias") if node is not None else None
    columns = alias.columns if isinstance(alias, exp.TableAlias) else []
    return [as_written(each.this if isinstance(each, exp.ColumnDef) else each) for each in columns]


def renamed(names: Sequence[str], node: exp.Expr | None) -> list[str]:
    given = aliases(node)
    return [*given, *names[len(given) :]]
