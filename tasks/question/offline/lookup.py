"""The names of a question in one schema: each is one table or column that can be joined to the root, or is refused."""

from blocks.errors import QuestionRefused
from blocks.schemas.snapshot import Relation, RelationName, Snapshot
from tasks.question.offline.asked import Asked, Measure
from tasks.question.offline.joins import Link, path
from tasks.question.offline.names import Meant, Said
from tasks.question.offline.refusals import ambiguous, cannot
from tasks.question.offline.words import MEND


class Lookup:
    """The names of one question in one schema."""

    def __init__(self, asked: Asked, schema: Snapshot) -> None:
        self.asked, self.schema = asked, schema
        said = [*asked.listed, *asked.subjects, *asked.groups, *([asked.head] if asked.head else [])]
        said += [each.said for each in asked.measures if each.kind == "count"]
        said += [each.said for each in asked.conditions if each.said]
        said += [each.said.said for each in asked.orders if isinstance(each.said, Measure)]
        self.mentioned: set[RelationName] = {
            each.relations[0].relation.name for each in said if len(each.relations) == 1 == len(each.can_mean)
        }
        self.links: dict[RelationName, tuple[Link, ...]] = {}
        self.root: Relation | None = None

    def settle(self, root: Relation) -> None:
        """From here on everything is joined to the root."""
        self.root = root
        self.mentioned.add(root.name)

    def column(self, said: Said) -> Meant:
        """The only column that is meant.

        Raises:
            QuestionRefused: there are several, or none.
        """
        _refuse_unclear(said)
        if not said.columns:
            raise cannot(said.words, "it is a table, and a column is needed; say which, such as a column 'of' it")
        inside = [each for each in said.columns if each.relation.name in self.mentioned]
        found = inside or said.columns
        if len(found) > 1:
            raise ambiguous(said, found)
        return self.reached(found[0])

    def relation(self, said: Said) -> Meant:
        """The only relation that is meant.

        Raises:
            QuestionRefused: there are several, or none.
        """
        _refuse_unclear(said)
        if len(said.relations) != 1:
            raise ambiguous(said, said.relations) if said.relations else cannot(said.words, "it is no table")
        return self.reached(said.relations[0])

    def either(self, said: Said) -> Meant:
        """The only relation or column that is meant.

        Raises:
            QuestionRefused: there are several.
        """
        _refuse_unclear(said)
        if not said.relations:
            return self.column(said)
        inside = [each for each in said.columns if each.relation.name in self.mentioned]
        root, schema = self.root, self.schema
        near = [each for each in said.relations if root and path(root, each.relation, schema) is not None]
        if inside and not near:
            return self.column(said)
        if inside:
            raise ambiguous(said, [*inside, *near])
        return self.relation(said)

    def reached(self, meant: Meant) -> Meant:
        """The same, and its relation is joined.

        Raises:
            QuestionRefused: there is no way to join it, or two.
        """
        if self.root is not None and meant.relation.name not in self.links:
            found = path(self.root, meant.relation, self.schema)
            if found is None:
                raise apart(self.root, meant.relation, self.schema)
            self.links[meant.relation.name] = found
        return meant


def _refuse_unclear(said: Said) -> None:
    if said.unclear:
        raise ambiguous(said, said.can_mean)


def apart(one: Relation, other: Relation, schema: Snapshot) -> QuestionRefused:
    """Two relations cannot be joined without losing or repeating rows."""
    several = path(other, one, schema) is not None
    return QuestionRefused(
        f"{one.name} and {other.name} cannot be joined for this question",
        means=f"one row of {one.name} can have several of {other.name}, so its rows would be repeated"
        if several
        else "no foreign key, and no column with the name of the other's key, leads from the first to the second",
        mend=MEND,
    )
