"""What the built-in offline model makes of a question: one SELECT by stated rules, or a refusal; never a guess.

It understands no language. Each word of the question must be grammar that it knows, the name of a table or column, or
a value that a column is compared with. Tables are joined along keys from the one whose rows are counted or listed, so
that no row of it is lost or counted twice. Values without quotes are compared without regard to capitals.
"""

from collections import Counter

from sqlglot import exp

from blocks.schemas.snapshot import Relation, Snapshot
from tasks.drift.likeness import name_words
from tasks.question.offline.asked import Direction, Kind
from tasks.question.offline.names import Meant, Names, is_date
from tasks.question.offline.plan import Bucket, Figure, Plan, Shown
from tasks.question.offline.planning import plan
from tasks.question.offline.predicates import predicate
from tasks.question.offline.reading import read
from tasks.question.offline.refusals import cannot
from tasks.question.offline.words import parts, plural
from tasks.sql.guard import SQLGLOT_NAMES
from tasks.sql.quoting import quoted_if_needed

VERSION = "offline-question-1"

_PREFIX = {"sum": "total", "avg": "average", "min": "lowest", "max": "highest", "first": "earliest", "last": "latest"}
_OF_DATES: dict[Kind, Kind] = {"min": "first", "max": "last"}
_AGGREGATE: dict[str, type[exp.AggFunc]] = {
    "sum": exp.Sum,
    "avg": exp.Avg,
    "min": exp.Min,
    "max": exp.Max,
    "first": exp.Min,
    "last": exp.Max,
}
_MONTHS = {"year": ("%Y", "YYYY"), "month": ("%Y-%m", "YYYY-MM"), "day": ("%Y-%m-%d", "YYYY-MM-DD")}


def sql_for(question: str, schema: Snapshot) -> str:
    """The SELECT that answers the question.

    Raises:
        QuestionRefused: a word of it is not known, could mean two things, or does not fit the others.
    """
    made = plan(read(question, Names(schema)), schema)
    return _Writer(made, schema).select().sql(dialect=SQLGLOT_NAMES[schema.dialect])


class _Writer:
    """Writes a plan as a sqlglot tree."""

    def __init__(self, made: Plan, schema: Snapshot) -> None:
        self.plan, self.schema = made, schema
        self.relations = list({each.name: each for each in (made.root, *(link.to for link in made.links))}.values())
        if len({each.name.name for each in self.relations}) < len(self.relations):
            raise cannot(made.root.name.name, "two of the tables have that name, in different schemas")

    def select(self) -> exp.Select:
        names = self._names()
        outputs = [self._output(each, names[each]) for each in (*self.plan.shown, *self.plan.figures)]
        query = exp.select(*outputs).from_(self._table(self.plan.root))
        for link in self.plan.links:
            matches = [
                exp.EQ(this=self._column(link.of, one), expression=self._column(link.to, other))
                for one, other in zip(link.columns, link.key, strict=True)
            ]
            query = query.join(self._table(link.to), on=exp.and_(*matches), join_type="LEFT")
        for condition, meant in self.plan.conditions:
            query = query.where(predicate(condition, meant, self._expression(meant)))
        if self.plan.figures and self.plan.shown:
            query = query.group_by(*(self._expression(each) for each in self.plan.shown))
        for item, direction in self.plan.orders:
            query = query.order_by(self._ordered(item, names, direction))
        query = query.distinct() if self.plan.distinct else query
        return query.limit(self.plan.limit) if self.plan.limit is not None else query

    def _ordered(self, item: Shown | Figure, names: dict[Shown | Figure, str], direction: Direction) -> exp.Ordered:
        by_name = isinstance(item, Figure | Bucket)
        this = exp.Column(this=self._identifier(names[item])) if by_name else self._expression(item)
        down = direction == "down"
        last = self._may_be_missing(item) and (down or self.plan.limit is not None)
        # Rows without a value are no highest or lowest ones, and the databases differ in where they put them.
        first = False if last else (self.schema.dialect == "sqlite") != down
        return exp.Ordered(this=this, desc=down or None, nulls_first=first)

    def _may_be_missing(self, item: Shown | Figure) -> bool:
        if isinstance(item, Figure):
            return item.kind != "count"
        meant = item.meant if isinstance(item, Bucket) else item
        of_root, column = meant.relation.name == self.plan.root.name, meant.one_column
        return not of_root or (column.nullable and column.name not in meant.relation.primary_key)

    def _names(self) -> dict[Shown | Figure, str]:
        """A name for each output; empty where it keeps its column's."""
        shown = [each for each in self.plan.shown if isinstance(each, Meant) and each.column]
        counted = Counter(each.column.name.lower() for each in shown if each.column)
        names: dict[Shown | Figure, str] = {}
        taken = set(counted)
        for each in (*self.plan.shown, *self.plan.figures):
            if isinstance(each, Meant) and each.column and counted[each.column.name.lower()] < 2:
                names[each] = ""
                continue
            name = _called(each)
            while name in taken:
                name += "_value"
            names[each] = name
            taken.add(name)
        return names

    def _output(self, item: Shown | Figure, name: str) -> exp.Expr:
        expression = self._expression(item)
        return exp.alias_(expression, self._identifier(name)) if name else expression

    def _expression(self, item: Shown | Figure) -> exp.Expr:
        if isinstance(item, Bucket):
            sqlite, postgresql = _MONTHS[item.unit]
            column = self._expression(item.meant)
            if self.schema.dialect == "sqlite":
                return exp.Anonymous(this="STRFTIME", expressions=[exp.Literal.string(sqlite), column])
            return exp.Anonymous(this="TO_CHAR", expressions=[column, exp.Literal.string(postgresql)])
        if isinstance(item, Figure):
            if item.kind == "count" and item.meant.column is None:
                return exp.Count(this=exp.Star())
            column = self._expression(item.meant)
            if item.kind == "count":
                return exp.Count(this=exp.Distinct(expressions=[column]))
            return _AGGREGATE[item.kind](this=column)
        return self._column(item.relation, item.one_column.name)

    def _column(self, relation: Relation, name: str) -> exp.Column:
        table = self._identifier(relation.name.name) if len(self.relations) > 1 else None
        return exp.Column(this=self._identifier(name), table=table)

    def _table(self, relation: Relation) -> exp.Table:
        name = relation.name
        found = self.schema.find(name.name)
        schema = None if found is not None and found.name == name else self._identifier(name.schema)
        return exp.Table(this=self._identifier(name.name), db=schema)

    def _identifier(self, name: str) -> exp.Identifier:
        return exp.to_identifier(name, quoted=quoted_if_needed(name, self.schema.dialect) != name)


def _called(item: Shown | Figure) -> str:
    """The readable name of an output."""
    if isinstance(item, Bucket):
        return item.unit
    meant = item.meant if isinstance(item, Figure) else item
    own = "_".join(_words(meant.relation.name.name))
    column = "_".join(_words(meant.column.name)) if meant.column else ""
    if isinstance(item, Figure):
        kind = item.kind if not is_date(meant) else _OF_DATES.get(item.kind, item.kind)
        prefix = _PREFIX.get(kind, "")
        return _plural(column or own) if not prefix else column if column.startswith(prefix) else f"{prefix}_{column}"
    return f"{'_'.join(parts(meant.relation.name.name))}_{column}"


def _plural(name: str) -> str:
    *first, last = name.split("_")
    return "_".join([*first, plural(last)])


def _words(name: str) -> list[str]:
    return name_words(name) if name.isascii() else [name.casefold()]
