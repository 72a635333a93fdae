"""Which tables, views and columns of a database a statement uses, without asking the database.

sqlglot gives the scopes: what each SELECT reads from, and what is a CTE. Its `qualify_columns` is not used (checked
2026-11 on 30.30): it loses the case of a name, lets an unknown column of HAVING through, and refuses a table function
inside a sub-query. What is said here of aliases, USING and double quotes was checked on the databases themselves.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import zip_longest
from typing import NamedTuple

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.normalize_identifiers import normalize_identifiers
from sqlglot.optimizer.qualify_tables import qualify_tables
from sqlglot.optimizer.scope import Scope, traverse_scope

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Relation, RelationName, Snapshot
from tasks.query.guard import read_only

_JSON = ("key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root")
_FUNCTIONS = {"sqlite": {"json_each": _JSON, "json_tree": _JSON}, "postgresql": {}}
"""The columns of table functions whose names are often those of a table's columns as well."""
_HIDDEN = {
    "sqlite": {"rowid", "_rowid_", "oid"},
    "postgresql": {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"},
}
_AFTER_THE_SELECT = (exp.Group, exp.Having, exp.Order, exp.Where, exp.Qualify)
"""Where a name may be an output's; SQLite knows it in all of these, PostgreSQL in some, and refuses the rest itself."""


@dataclass(frozen=True)
class Usage:
    """What a statement uses of its database, and what it gives."""

    relations: Mapping[RelationName, tuple[str, ...]]
    """The columns used of each table or view, in its own order and spelling; none for COUNT(*) alone."""
    outputs: tuple[str, ...]
    """The names of the columns that it gives; '' for one without a name of its own."""


class _Source(NamedTuple):
    """One item of a FROM: a relation, or what a sub-query, CTE or function gives."""

    name: str
    node: exp.Expr
    columns: tuple[tuple[str, str], ...]
    """Each column as SQL must call it, and as its relation or sub-query spells it."""
    relation: Relation | None = None

    def has(self, name: str) -> bool:
        return any(name == each for each, _ in self.columns)

    @property
    def open(self) -> bool:
        """Whether it may have columns that are not known here: an unnamed one stands for them."""
        return self.has("")


def usage(sql: str, schema: Snapshot) -> Usage:
    """What the statement uses and gives.

    Raises:
        QueryRefused: it does not only read, or names a relation or column that is not there or could be several.
    """
    statement = _Statement(sql, schema)
    try:
        scopes = traverse_scope(statement.tree)
        for scope in scopes:
            statement.open_scope(scope)
        for scope in scopes:
            statement.read_scope(scope)
    except OptimizeError as error:
        raise QueryRefused(f"the SQL cannot be understood: {error}", mend="give each table in it an alias") from error
    relations = {
        name: tuple(column.name for column in schema.by_name[name].columns if column.name in used)
        for name, used in statement.used.items()
    }
    return Usage(relations, statement.outputs[id(scopes[-1].expression)])


class _Statement:
    """One statement while it is read: first what each scope reads from and gives, then each column in it."""

    def __init__(self, sql: str, schema: Snapshot) -> None:
        self.sql, self.schema, self.sqlite = sql, schema, schema.dialect == "sqlite"
        self.tree = self._prepared()
        self.ctes = {cte.alias for cte in self.tree.find_all(exp.CTE)}
        self.sources: dict[int, list[_Source]] = {}
        self.merged: dict[int, dict[str, list[_Source]]] = {}
        """By scope, the columns that USING and NATURAL JOIN make one of, in PostgreSQL's order."""
        self.outputs: dict[int, tuple[str, ...]] = {}
        self.used: dict[RelationName, set[str]] = {}

    def open_scope(self, scope: Scope) -> None:
        """Keep what the scope reads from, joins and gives. Its inner scopes come before it."""
        key = id(scope.expression)
        self.sources[key], self.merged[key] = [], {}
        if not scope.is_udtf:
            # A table's INDEXED BY and ROWS FROM are no items of a FROM, though sqlglot lists them.
            nodes = [node for _, node in scope.references if not isinstance(node.parent, exp.Table)]
            self.sources[key] = [self._source(scope, node) for node in nodes]
            for join in scope.find_all(exp.Join):
                self._join(scope, join)
        self.outputs[key] = tuple(self._given(scope))

    def read_scope(self, scope: Scope) -> None:
        """Note the columns that the scope itself uses, not those of its inner scopes."""
        if scope.is_udtf:
            # The scope around it sees a table function's arguments as well.
            return
        for node in scope.find_all(exp.Column, exp.Star):
            if isinstance(node, exp.Column):
                self._use_column(scope, node)
            elif isinstance(node.parent, exp.Select):
                for source in self.sources[id(scope.expression)]:
                    self._use(source)

    def _prepared(self) -> exp.Query:
        dialect = "sqlite" if self.sqlite else "postgres"
        tree = read_only(self.sql, dialect).copy()
        for identifier in tree.find_all(exp.Identifier):
            identifier.meta["written"] = identifier.name
        if self.sqlite:
            for with_ in tree.find_all(exp.With):
                with_.set("recursive", True)  # SQLite does not need the word.
            for each in tree.find_all(exp.In):
                if isinstance(table := each.args.get("field"), exp.Column):
                    query = exp.select("*").from_(exp.Table(this=table.this, db=table.args.get("table")))
                    each.set("field", None)
                    each.set("query", query.subquery())
        for table in tree.find_all(exp.Table):
            if isinstance(table.this, exp.Anonymous) and not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(table.this.name)))
        return qualify_tables(normalize_identifiers(tree, dialect=dialect), dialect=dialect)

    def _source(self, scope: Scope, node: exp.Expr) -> _Source:
        name = node.alias_or_name
        inner = scope.sources.get(name)
        if isinstance(inner, Scope):
            return _Source(name, node, self._renamed(node, self.outputs.get(id(inner.expression), ("",))))
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            function = node.this.name.lower() if isinstance(node, exp.Table) else ""
            known = _FUNCTIONS[self.schema.dialect].get(function, ())
            return _Source(name, node, tuple((each, each) for each in (*known, "")))
        written = node.this.meta["written"] if self.sqlite else node.name
        relation = self.schema.find(written, node.db or None)
        if relation is None:
            there = [each.name.name for each in self.schema.relations]
            near = get_close_matches(written, there, n=3)
            raise QueryRefused(
                f"the SQL names {written!r}, which the database does not have",
                mend=f"did you mean {' or '.join(near)}?" if near else "look at the schema",
            )
        self.used.setdefault(relation.name, set())
        columns = tuple((self._key(column.name), column.name) for column in relation.columns)
        return _Source(name, node, columns or (("", ""),), relation)

    def _renamed(self, node: exp.Expr, outputs: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """What a sub-query or CTE gives, under the names that its alias may give to columns."""
        aliases = [each.name for each in node.args["alias"].columns] if node.args.get("alias") else []
        named = [alias or output for alias, output in zip_longest(aliases, outputs, fillvalue="")]
        return tuple((self._key(each), each) for each in named)

    def _join(self, scope: Scope, join: exp.Join) -> None:
        """Note the columns that USING and NATURAL JOIN compare, which both sides have."""
        sources = self.sources[id(scope.expression)]
        names = [self._key(each.name) for each in join.args.get("using") or ()]
        if join.method == "NATURAL":
            right = next((each for each in sources if each.name == join.alias_or_name), None)
            others = [each for each in sources if each is not right]
            names = [name for name, _ in right.columns if any(each.has(name) for each in others)] if right else []
        for name in names:
            having = [each for each in sources if each.has(name)]
            self.merged[id(scope.expression)][name] = having
            for source in having:
                self._use(source, name)

    def _given(self, scope: Scope) -> Iterator[str]:
        tree = scope.expression
        if isinstance(tree, exp.SetOperation):
            left: exp.Expr = tree
            while isinstance(left, exp.SetOperation):
                left = left.left.unnest()
            yield from self.outputs.get(id(left), ("",))
            return
        if not isinstance(tree, exp.Select):
            yield ""
            return
        sources = self.sources[id(tree)]
        for item in tree.selects:
            if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
                table = item.table if isinstance(item, exp.Column) else ""
                yield from (spelled for each in sources if table in ("", each.name) for _, spelled in each.columns)
            elif isinstance(item, exp.Alias):
                yield str(item.args["alias"].meta.get("written", item.alias))
            elif isinstance(item, exp.Column):
                yield str(item.this.meta.get("written", item.name))
            else:
                yield ""

    def _use_column(self, scope: Scope, column: exp.Column) -> None:
        name, table = self._key(column.name), column.table
        within: Scope | None = scope
        while within is not None:
            sources = self.sources.get(id(within.expression), [])
            if isinstance(column.this, exp.Star):
                for source in (each for each in sources if each.name == table):
                    self._use(source)
                    return
            having = [each for each in sources if table in ("", each.name) and each.has(name)]
            if having:
                for source in having if len(having) == 1 or name in self.merged[id(within.expression)] else ():
                    self._use(source, name)
                if len(having) > 1 and name not in self.merged[id(within.expression)]:
                    self._refuse_ambiguous(column, having)
                return
            within = within.parent
        self._refuse_unknown(scope, column)

    def _use(self, source: _Source, name: str | None = None) -> None:
        if source.relation is not None:
            used = self.used.setdefault(source.relation.name, set())
            used.update(spelled for each, spelled in source.columns if name in (None, each) and spelled)

    def _refuse_ambiguous(self, column: exp.Column, having: Iterable[_Source]) -> None:
        tables = " or ".join(each.name for each in having)
        raise QueryRefused(f"the SQL's column {column.name} could be of {tables}", mend="write its table before it")

    def _refuse_unknown(self, scope: Scope, column: exp.Column) -> None:
        """Raises, unless the name may mean something else than a column that is known here."""
        near = list[str]()
        within: Scope | None = scope
        while within is not None:
            if self._may_mean_otherwise(within, column):
                return
            near += [spelled for each in self.sources.get(id(within.expression), ()) for _, spelled in each.columns]
            within = within.parent
        likely = get_close_matches(column.name, near, n=3)
        raise QueryRefused(
            f"the SQL names the column {column.sql(comments=False)}, which is not there",
            mend=f"did you mean {' or '.join(dict.fromkeys(likely))}?" if likely else "look at the schema",
        )

    def _may_mean_otherwise(self, scope: Scope, column: exp.Column) -> bool:
        name, sources = self._key(column.name), self.sources.get(id(scope.expression), [])
        outputs = map(self._key, self.outputs.get(id(scope.expression), ()))
        return (
            any(each.open for each in sources)
            # A whole row of a table, in PostgreSQL.
            or any(each.name == name for each in sources)
            or (column.find_ancestor(*_AFTER_THE_SELECT) is not None and name in outputs)
            or name in _HIDDEN[self.schema.dialect]
            # What SQLite finds no column for is a text to it, if it is in double quotes.
            or (self.sqlite and bool(column.this.quoted) and not column.table)
        )

    def _key(self, name: str) -> str:
        return name.lower() if self.sqlite else name
