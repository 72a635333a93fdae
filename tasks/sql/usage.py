"""Which tables, views and columns of a database a statement uses, said without asking the database.

sqlglot gives the scopes: what each SELECT reads from, and what is a CTE. Its `qualify_columns` is not used (checked
2026-11 on 30.30): it loses the case of names, lets an unknown column of a HAVING through, and refuses a table function
inside a sub-query. What SQLite makes of aliases, USING and double quotes was checked on 3.40.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.scope import Scope, traverse_scope

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Relation, RelationName, Snapshot
from tasks.sql.tree import (
    aliases,
    as_written,
    is_top,
    names_given,
    normal_tree,
    renamed,
    visible,
    visible_ctes,
    within,
)

_JSON_COLUMNS = ("key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root")
"""SQLite's json_each and json_tree give these; `id` and `type` are often columns of a table as well."""
_UNKNOWN = ("",)
"""The columns of what is not known: a column without a name stands for any name."""
_HIDDEN = {
    "sqlite": ("rowid", "_rowid_", "oid"),
    "postgresql": ("ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "user", "current_role", "system_user"),
}
"""Names that are no column of a relation, unless it has one: hidden columns, and functions without brackets."""
_BARE = (exp.Group, exp.Distinct, exp.Tuple, exp.GroupingSets, exp.Cube, exp.Rollup)
"""Where PostgreSQL takes the name of an output, if no column has that name."""


@dataclass(frozen=True)
class Usage:
    """What a statement uses of its database, and what it gives."""

    relations: Mapping[RelationName, tuple[str, ...]]
    """The columns used of each table or view, in its own order and spelling; none where only its rows are counted."""
    outputs: tuple[str, ...]
    """The names of the columns that it gives; '' for one that has no name of its own."""


class _Source(NamedTuple):
    """One item of a FROM: a relation, or what a sub-query, a CTE or a function gives."""

    name: str
    node: exp.Expr
    columns: tuple[tuple[str, str], ...]
    """Each column as the SQL calls it, and as its relation or sub-query spells it."""
    relation: Relation | None = None

    def has(self, name: str) -> bool:
        return any(name == each for each, _ in self.columns)


def usage(sql: str, schema: Snapshot) -> Usage:
    """What the statement uses and gives.

    Raises:
        QueryRefused: it does more than read, or names a relation or column that is not there, or that could be several.
    """
    statement = _Statement(sql, schema)
    try:
        scopes = traverse_scope(normal_tree(sql, sqlite=statement.sqlite))
        for scope in scopes:
            statement.open(scope)
        for scope in scopes:
            statement.read(scope)
    except OptimizeError as error:
        raise QueryRefused(f"the SQL cannot be understood: {error}", mend="give each table in it an alias") from error
    relations = {
        name: tuple(column.name for column in schema.by_name[name].columns if column.name in used)
        for name, used in statement.used.items()
    }
    return Usage(relations, statement.outputs[id(scopes[-1].expression)])


class _Statement:
    """A statement while it is read: first what each scope reads from and gives, then which columns it uses."""

    def __init__(self, sql: str, schema: Snapshot) -> None:
        self.sql, self.schema, self.sqlite = sql, schema, schema.dialect == "sqlite"
        self.sources: dict[int, list[_Source]] = {}
        self.merged: dict[int, dict[str, list[_Source]]] = {}
        """The columns that USING and NATURAL JOIN make one of; the last join's come first, as PostgreSQL shows them."""
        self.outputs: dict[int, tuple[str, ...]] = {}
        self.used: dict[RelationName, set[str]] = {}

    def open(self, scope: Scope) -> None:
        """Keep what the scope reads from and what it gives; the scopes inside it come before it."""
        key = id(scope.expression)
        # sqlglot also lists the index of an INDEXED BY and the functions of a ROWS FROM, inside their table.
        nodes = [node for _, node in scope.references if not isinstance(node.parent, exp.Table)]
        self.sources[key] = [] if scope.is_udtf else [self._source(scope, node) for node in nodes]
        self.merged[key] = {}
        for join in () if scope.is_udtf else scope.find_all(exp.Join):
            self._merge(key, join)
        self.outputs[key] = tuple(self._given(scope))

    def read(self, scope: Scope) -> None:
        """Note the columns used in the scope itself. A table function's arguments belong to the scope around it."""
        for node in () if scope.is_udtf else scope.find_all(exp.Column, exp.Star):
            if isinstance(node, exp.Column):
                self._read_column(scope, node)
            elif isinstance(node.parent, exp.Select):
                for source in self.sources[id(scope.expression)]:
                    self._use_all(source)

    def _source(self, scope: Scope, node: exp.Expr) -> _Source:
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            return self._named_source(scope, node)
        query = node.this if isinstance(node, exp.Lateral) else node
        if isinstance(query, exp.Query):
            holder = node.parent.unwrap() if isinstance(node.parent, exp.Subquery) else node
            given = renamed(self.outputs[id(query.unnest())], holder)
        elif isinstance(node, exp.Values):
            holder, given = node, aliases(node)
            # `_col_0` is sqlglot's own name for what both databases call column1.
            given = [f"column{n}" if each == f"_col_{n - 1}" else each for n, each in enumerate(given, start=1)]
        else:
            json = self.sqlite and node.this is not None and node.this.name.lower() in ("json_each", "json_tree")
            holder, given = node, aliases(node) or list(_JSON_COLUMNS if json else _UNKNOWN)
        return _Source(holder.alias_or_name, node, self._columns(given))

    def _named_source(self, scope: Scope, node: exp.Table) -> _Source:
        """The CTE or relation of that name."""
        cte = None if node.db else scope.cte_sources.get(node.name)
        if isinstance(cte, Scope):
            body = cte.expression
            given = renamed(self.outputs[id(body)], body.find_ancestor(exp.CTE))
            return _Source(node.alias_or_name, node, self._columns(renamed(given, node)))
        relation = self.schema.find(node.name, node.db or None)
        ctes = () if node.db else visible_ctes(node, sqlite=self.sqlite)
        if relation is None and any(each.alias == node.name for each in ctes):
            # SQLite and RECURSIVE know a CTE before it is written; sqlglot does not.
            return _Source(node.alias_or_name, node, self._columns(_UNKNOWN))
        if relation is None:
            written = ".".join(as_written(part) for part in node.parts)
            raise QueryRefused(
                f"the SQL reads {written}",
                means="the database has no table or view of that name",
                mend=_perhaps(written, (str(each.name) for each in self.schema.relations)),
            )
        self.used.setdefault(relation.name, set())
        names = [column.name for column in relation.columns]
        keys = self._columns(renamed(names, node))
        columns = tuple((key, name) for (key, _), name in zip(keys, names, strict=False))
        return _Source(node.alias_or_name, node, columns, relation)

    def _columns(self, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
        return tuple((name.lower() if self.sqlite else name, name) for name in names)

    def _merge(self, key: int, join: exp.Join) -> None:
        """Note the columns that a USING or a NATURAL JOIN compares: used on both sides, and one from there on."""
        inside = [each for each in self.sources[key] if within(each.node, join.parent)]
        right = [each for each in inside if within(each.node, join)]
        left = inside[: inside.index(right[0])] if right else []
        names = [each.name for each in join.args.get("using") or ()]
        if join.method == "NATURAL":
            names = list(dict.fromkeys(name for each in left for name, _ in each.columns if _having(right, name)))
        merged = self.merged[key]
        joined: dict[str, list[_Source]] = {}
        for name in filter(None, names):
            for side in (left, right):
                if not _having(side, name) and not _having(side, ""):
                    raise self._unknown_column(name, side, f"USING ({name})")
            # A comma binds less in PostgreSQL, so the last is meant; SQLite takes the first.
            first = 0 if self.sqlite else -1
            both = [each for side in (_having(left, name)[first:][:1], _having(right, name)[:1]) for each in side]
            joined[name] = [*merged.get(name, ()), *(each for each in both if each not in merged.get(name, ()))]
            for each in both:
                self._use(each, name)
        self.merged[key] = joined | {name: each for name, each in merged.items() if name not in joined}

    def _given(self, scope: Scope) -> Iterator[str]:
        """The names of the scope's columns."""
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            yield from self.outputs[id(scope.set_operation_scopes[0].expression)]
        elif isinstance(query, exp.Subquery):
            yield from self.outputs[id(query.unnest())]
        elif isinstance(query, exp.Select):
            for item in query.expressions:
                if isinstance(item, exp.Star):
                    yield from self._starred(query)
                elif isinstance(item, exp.Column) and item.is_star:
                    sources = [each for each in self.sources[id(query)] if each.name == item.table]
                    yield from (self._shown(*pair) for each in sources for pair in each.columns)
                else:
                    yield self._name(scope, item)

    def _starred(self, query: exp.Select) -> list[str]:
        """The names that `*` gives. PostgreSQL puts merged columns first."""
        merged, shown = self.merged[id(query)], []
        for source in self.sources[id(query)]:
            for key, name in source.columns:
                if source not in merged.get(key, ())[1:]:
                    shown.append((key, name))
        if not self.sqlite:
            order = {name: place for place, name in enumerate(merged)}
            shown.sort(key=lambda pair: order.get(pair[0], len(order)))
        return [self._shown(*pair) for pair in shown]

    def _shown(self, key: str, name: str) -> str:
        return name if self.sqlite else key

    def _name(self, scope: Scope, item: exp.Expr) -> str:
        item = item.unnest()
        if isinstance(item, exp.Alias):
            return as_written(item.args["alias"])
        if isinstance(item, exp.Cast) and not self.sqlite:
            return self._name(scope, item.this)
        if not isinstance(item, exp.Column):
            return ""
        for source in self.sources[id(scope.expression)]:
            if item.table in ("", source.name) and source.has(item.name):
                # SQLite spells it as it is created, but as it is written inside a sub-query or CTE.
                return (
                    self._shown(item.name, dict(source.columns)[item.name]) if is_top(scope) else as_written(item.this)
                )
        return "" if self._is_text(item) else as_written(item.this)

    def _read_column(self, scope: Scope, column: exp.Column) -> None:
        name = column.name
        if column.table:
            self._read_qualified(scope, column)
            return
        if self._orders_by_output(scope, column):
            return
        seen: list[_Source] = []
        for each in visible(scope):
            sources = self._before(each, column)
            if found := _having(sources, name):
                self._refuse_ambiguous(column, found, self.merged[id(each.expression)].get(name, []))
                self._use(found[0], name)
                return
            if self._is_output(each, scope, column):
                return
            seen += sources
        for source in seen:
            if source.name == name and not self.sqlite:  # The whole row.
                self._use_all(source)
                return
        if not (_having(seen, "") or name in _HIDDEN[self.schema.dialect] or self._is_text(column)):
            raise self._unknown_column(name, seen, as_written(column.this))

    def _read_qualified(self, scope: Scope, column: exp.Column) -> None:
        sources = [source for each in visible(scope) for source in self.sources[id(each.expression)]]
        source = next((each for each in sources if each.name == column.table), None)
        written = ".".join(as_written(part) for part in column.parts)
        if source is None:
            raise QueryRefused(
                f"the SQL uses {written}",
                means=f"nothing that it reads there is called {as_written(column.args['table'])}",
                mend=_perhaps(column.table, (each.name for each in sources)),
            )
        if column.is_star:
            self._use_all(source)
        elif source.has(column.name):
            self._use(source, column.name)
        elif not source.has("") and column.name not in _HIDDEN[self.schema.dialect]:
            raise self._unknown_column(column.name, [source], written)

    def _before(self, scope: Scope, column: exp.Column) -> list[_Source]:
        """What the column can be of: in PostgreSQL's ON, only what is joined up to there."""
        sources = self.sources[id(scope.expression)]
        join = column.find_ancestor(exp.Join, exp.Query)
        if self.sqlite or not isinstance(join, exp.Join):
            return sources
        joined = [place for place, each in enumerate(sources) if within(each.node, join)]
        return sources[: joined[-1] + 1] if joined else sources

    def _orders_by_output(self, scope: Scope, column: exp.Column) -> bool:
        """Whether it stands alone in an ORDER BY and is the name of an output; that wins over a column."""
        term, query = column.parent, scope.expression
        while isinstance(term, exp.Collate | exp.Paren):
            term = term.parent
        clause = term.parent if isinstance(term, exp.Ordered) else None
        # A sub-query in brackets has nothing else that its ORDER BY could mean.
        if clause is None or (clause.parent is not query and not isinstance(query, exp.Subquery)):
            return False
        if isinstance(query, exp.Select) and self.sqlite:
            return column.name in names_given(query)
        # SQLite also takes the names of the arms after the first.
        arms = [each for each in scope.traverse() if each.is_set_operation] if self.sqlite else []
        given = {key for each in (scope, *arms) for key, _ in self._columns(self.outputs[id(each.expression)])}
        # Only the database knows what it calls an unnamed output.
        return column.name in given or ("" in given and isinstance(query, exp.SetOperation))

    def _is_output(self, scope: Scope, own: Scope, column: exp.Column) -> bool:
        """Whether an output's name may stand there for want of a column: in SQLite anywhere but among the outputs."""
        query = scope.expression
        if not isinstance(query, exp.Select) or column.name not in names_given(query):
            return False
        if not self.sqlite:
            return scope is own and isinstance(column.parent, _BARE)
        part: exp.Expr = column
        while part.parent is not None and part.parent is not query:
            part = part.parent
        return part.arg_key != "expressions"

    def _is_text(self, column: exp.Column) -> bool:
        """Whether SQLite takes the name, which is no column's, for text: in double quotes, not in `[]` or backticks."""
        start = column.this.meta.get("start")
        return self.sqlite and not column.table and start is not None and self.sql[start] == '"'

    def _use(self, source: _Source, name: str) -> None:
        if source.relation is not None:
            self.used[source.relation.name].add(dict(source.columns)[name])

    def _use_all(self, source: _Source) -> None:
        for name, _ in source.columns:
            self._use(source, name)

    def _refuse_ambiguous(self, column: exp.Column, found: list[_Source], merged: list[_Source]) -> None:
        apart = [each for each in found if each not in merged]
        if len(apart) + any(each in merged for each in found) > 1:
            raise QueryRefused(
                f"the SQL uses {as_written(column.this)}",
                means=f"{' and '.join(each.name for each in found)} each have a column of that name",
                mend=f"write which is meant, such as {found[0].name}.{as_written(column.this)}",
            )

    def _unknown_column(self, name: str, sources: Sequence[_Source], written: str) -> QueryRefused:
        places = [str(each.relation.name) if each.relation else each.name for each in sources]
        return QueryRefused(
            f"the SQL uses {written}",
            means=f"{' or '.join(dict.fromkeys(places)) or 'what it reads there'} has no column of that name",
            mend=_perhaps(name, (spelled for each in sources for _, spelled in each.columns)),
        )


def _having(sources: Iterable[_Source], name: str) -> list[_Source]:
    return [each for each in sources if each.has(name)]


def _perhaps(name: str, known: Iterable[str]) -> str:
    """What to do about an unknown name."""
    lowered = {each.lower(): each for each in known if each}
    near = [lowered[each] for each in get_close_matches(name.lower(), lowered)]
    return f"did you mean {' or '.join(near)}?" if near else "name one that is there"
