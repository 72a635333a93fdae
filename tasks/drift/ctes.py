"""A saved query with CTEs of its old relations in front, each rebuilding the old shape from the new schema.

Text that need not change stays as it was, character by character. Whether a name means a CTE of the query's own or a
table is decided as the database does (checked 2026-11 on SQLite 3.40 and PostgreSQL 18): SQLite shows every CTE of a
list to all of that list, PostgreSQL only to those after it unless the list is RECURSIVE. What would change the answer
is refused. What only a table has (SQLite's rowid, PostgreSQL's ctid, GROUP BY its primary key alone), the database
itself refuses.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import NamedTuple

from sqlglot import TokenType, exp, tokenize

from blocks.errors import QueryRefused
from blocks.schemas.snapshot import Dialect, RelationName, Snapshot
from tasks.sql.guard import SQLGLOT_NAMES, read_only
from tasks.sql.quoting import quoted_if_needed
from tasks.sql.tree import visible_ctes

_FROM_ITEMS = (exp.Table, exp.Subquery, exp.Lateral, exp.Values, exp.Unnest)
_REWRITE = "write the query anew for the schema as it is now"


def with_rebuilt(sql: str, rebuilt: Mapping[RelationName, str], before: Snapshot) -> str:
    """The SQL with a CTE in front for each relation of `rebuilt` that it uses.

    `before` is the schema in which its names mean what they were meant to. The SELECTs of `rebuilt` name every table
    with its schema, because a CTE may see itself.

    Raises:
        QueryRefused: the SQL is no single query, or no CTE in front of it can give the old answer; says why.
    """
    saved, dialect = _Query(sql, before, frozenset(rebuilt)), before.dialect
    names = saved.cte_names() if rebuilt else {}
    if not names:
        return sql
    for relation in names:
        _refuse_unqualified(_Query(rebuilt[relation], before, frozenset()), relation)
    ctes = ", ".join(f"{quoted_if_needed(name, dialect)} AS ({rebuilt[relation]})" for relation, name in names.items())
    repaired = sql
    for edit in sorted({saved.front(ctes), *saved.table_edits(names), *saved.column_edits(names)}, reverse=True):
        repaired = repaired[: edit.start] + edit.text + repaired[edit.end :]
    _refuse_changed(saved, _Query(repaired, before, saved.relations), len(names))
    return repaired


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


class _Reference(NamedTuple):
    """A place that names a table, and the relation to rebuild that it means, if any."""

    node: exp.Table | exp.Column
    """A column only in SQLite's `x IN table`."""
    name: str
    relation: RelationName | None

    @property
    def unaliased(self) -> bool:
        return isinstance(self.node, exp.Table) and not self.node.alias


@dataclass(frozen=True)
class _Query:
    """A query and what its names mean; `relations` are those to rebuild."""

    sql: str
    before: Snapshot
    relations: frozenset[RelationName]

    @property
    def dialect(self) -> Dialect:
        return self.before.dialect

    @cached_property
    def tree(self) -> exp.Query:
        return read_only(self.sql, SQLGLOT_NAMES[self.dialect])

    @cached_property
    def references(self) -> tuple[_Reference, ...]:
        """Every place that names a table; a function in FROM is none."""
        nodes = [*self.tree.find_all(exp.Table), *(each.args.get("field") for each in self.tree.find_all(exp.In))]
        return tuple(
            _Reference(node, self._key(node.parts[-1]), self._meaning(node))
            for node in nodes
            if isinstance(node, exp.Table | exp.Column) and all(isinstance(part, exp.Identifier) for part in node.parts)
        )

    def _folded(self, name: str) -> str:
        return name.lower() if self.dialect == "sqlite" else name

    def _key(self, identifier: exp.Expr) -> str:
        """The name as the database compares it."""
        return self._folded(identifier.name if identifier.args.get("quoted") else identifier.name.lower())

    def _meaning(self, node: exp.Table | exp.Column) -> RelationName | None:
        *schema, name = map(self._key, node.parts)
        if not schema and self.means_cte(node, name):
            return None
        found = self.before.find(name, schema[-1] if schema else None)
        return found.name if found is not None and found.name in self.relations else None

    def means_cte(self, node: exp.Expr, name: str) -> bool:
        """Whether a name without a schema means a CTE that is visible where it stands."""
        ctes = visible_ctes(node, sqlite=self.dialect == "sqlite")
        return any(self._key(cte.args["alias"].this) == name for cte in ctes)

    def cte_names(self) -> dict[RelationName, str]:
        """The CTE's name for each relation to rebuild that is used: the old one where that means nothing else."""
        used = {each.relation for each in self.references if each.relation is not None}
        own = {self._key(cte.args["alias"].this) for cte in self.tree.find_all(exp.CTE)}
        taken = {identifier.name.lower() for identifier in self.tree.find_all(exp.Identifier)}
        taken.update(relation.name.lower() for relation in self.relations)
        names: dict[RelationName, str] = {}
        for relation in sorted(used & self.relations):
            name = self._folded(relation.name)
            others = any(each.name == name and each.relation != relation for each in self.references)
            names[relation] = _free(relation.name, taken) if others or name in own else relation.name
        return names

    def front(self, ctes: str) -> _Edit:
        """What puts the CTEs in front."""
        if isinstance(self.tree, exp.Subquery) and self.tree.unnest().args.get("with_"):
            raise QueryRefused(
                "the whole query stands in parentheses with a WITH of its own",
                means="PostgreSQL takes no second WITH in front of it",
                mend="take the parentheses away",
            )
        first, second, *_ = tokenize(self.sql, SQLGLOT_NAMES[self.dialect])
        if first.token_type != TokenType.WITH:
            return _Edit(first.start, first.start, f"WITH {ctes} ")
        end = (second if second.token_type == TokenType.RECURSIVE else first).end + 1
        return _Edit(end, end, f" {ctes},")

    def table_edits(self, names: Mapping[RelationName, str]) -> Iterator[_Edit]:
        """What makes the old relations' names mean the CTEs."""
        for each in self.references:
            if each.relation is None:
                continue
            if each.node.args.get("only") or each.node.args.get("sample"):
                raise QueryRefused(
                    f"{each.relation} is read with ONLY or TABLESAMPLE, and it is no table any more", mend=_REWRITE
                )
            *schema, table = each.node.parts
            if names[each.relation] != each.relation.name:
                alias = f" AS {self._spelled(table)}" if each.unaliased and not self._is_twin(each) else ""
                yield self._replaced(each.node.parts, quoted_if_needed(names[each.relation], self.dialect) + alias)
            elif schema:
                yield self._replaced(each.node.parts, self._spelled(table))

    def column_edits(self, names: Mapping[RelationName, str]) -> Iterator[_Edit]:
        """What takes the schema from columns written with one, which a CTE's columns cannot have."""
        for column in self.tree.find_all(exp.Column):
            target = self._target(column) if column.args.get("db") else None
            if target is None or target.relation is None:
                continue
            if twin := self._is_twin(target):
                shown = quoted_if_needed(names[target.relation], self.dialect)
            else:
                shown = self._spelled(column.args["table"])
            if not twin and self._is_hidden(column, target):
                raise QueryRefused(
                    f"{column.sql(comments=False)} would mean another table without its schema",
                    mend="give that table an alias in the query",
                )
            yield self._replaced(column.parts[:-1], shown)

    def _is_twin(self, reference: _Reference) -> bool:
        """Whether its FROM has another table of the same name, so that only their schemas tell them apart."""
        return reference.unaliased and any(
            each.unaliased
            and each.name == reference.name
            and each.relation != reference.relation
            and each.node.parent_select is reference.node.parent_select
            for each in self.references
        )

    def _target(self, column: exp.Column) -> _Reference | None:
        """The nearest table that the column's schema and name mean; SQLite goes by the alias, PostgreSQL never."""
        named = RelationName(self._key(column.args["db"]), self._key(column.args["table"]))
        for select in _selects(column):
            for each in self.references:
                if each.node.parent_select is select and self._is_named(each, named):
                    return each
        return None

    def _is_named(self, reference: _Reference, named: RelationName) -> bool:
        if self.dialect == "postgresql":
            return reference.unaliased and reference.relation == named
        node = reference.node
        is_table = len(node.parts) > 1 or not self.means_cte(node, reference.name)
        return is_table and isinstance(node, exp.Table) and node.alias_or_name.lower() == named.name

    def _is_hidden(self, column: exp.Column, target: _Reference) -> bool:
        """Whether the table's name alone could mean something else where the column stands."""
        name = column.args["table"].name.lower()
        for select in _selects(column):
            shown = [each for each in self.tree.find_all(*_FROM_ITEMS) if each.parent_select is select]
            if any(each.alias_or_name.lower() == name and each is not target.node for each in shown):
                return True
            if select is target.node.parent_select:
                return False
        return False

    def _spelled(self, identifier: exp.Expr) -> str:
        """The name as it was written, in quotes if it now needs them (`sales.order` needs none)."""
        written = self.sql[slice(*_place(identifier))]
        return (
            written if identifier.args.get("quoted") else quoted_if_needed(self._key(identifier), self.dialect, written)
        )

    def _replaced(self, parts: list[exp.Expr], text: str) -> _Edit:
        return _Edit(_place(parts[0])[0], _place(parts[-1])[1], text)


def _selects(node: exp.Expr) -> Iterator[exp.Expr]:
    select = node.parent_select
    while select is not None:
        yield select
        select = select.parent_select


def _place(identifier: exp.Expr) -> tuple[int, int]:
    if "start" not in identifier.meta:
        raise QueryRefused(f"where the query names {identifier.name} cannot be told", mend=_REWRITE)
    return identifier.meta["start"], identifier.meta["end"] + 1


def _free(name: str, taken: set[str]) -> str:
    """A name after the old one that nothing has yet, short enough for PostgreSQL's 63 bytes; it is taken now."""
    stem = name.encode()[:50].decode(errors="ignore")
    free = next(each for n in count(1) if (each := f"{stem}_now{n if n > 1 else ''}").lower() not in taken)
    taken.add(free.lower())
    return free


def _refuse_unqualified(rebuild: _Query, relation: RelationName) -> None:
    for each in rebuild.references:
        if len(each.node.parts) == 1 and not rebuild.means_cte(each.node, each.name):
            raise QueryRefused(
                f"the SELECT that rebuilds {relation} names {each.name} without its schema",
                means="it could mean the rebuilt relation itself",
                mend="write the schema in front",
            )


def _refuse_changed(saved: _Query, repaired: _Query, ctes: int) -> None:
    """Refuses a repair that is no query, still reads an old relation, or gives a column another name."""
    try:
        new = repaired.tree.args["with_"].expressions[:ctes]
    except (QueryRefused, KeyError) as error:
        raise QueryRefused(f"no WITH can be put in front of the query ({error})", mend=_REWRITE) from error
    inside = {id(table) for cte in new for table in cte.find_all(exp.Table, exp.Column)}
    for each in repaired.references:
        if each.relation is not None and id(each.node) not in inside:
            raise QueryRefused(f"the query would still read {each.relation} as it was", mend=_REWRITE)
    if saved.dialect == "sqlite" and _shown_names(saved) != _shown_names(repaired):
        raise QueryRefused(
            "a column without a name would be called otherwise",
            means="SQLite names it after its text, which the repair changes",
            mend="give it a name with AS",
        )


def _shown_names(query: _Query) -> list[str]:
    return [column.output_name or column.sql() for column in query.tree.selects]
