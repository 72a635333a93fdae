"""The differences that two snapshots of a schema may have, each with what led to it and how sure that is."""

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from blocks.schemas.snapshot import RelationName


class ColumnName(NamedTuple):
    """A column of a table or view."""

    relation: RelationName
    column: str

    def __str__(self) -> str:
        return f"{self.relation}.{self.column}"


class _Change(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence: tuple[str, ...] = ()
    """What led to it, one line each."""
    score: float = Field(default=1.0, ge=0, le=1)
    """How sure it is: 1 is read from the catalog, less is concluded from names, types, places and keys."""


class ColumnAdded(_Change):
    kind: Literal["column_added"] = "column_added"
    column: ColumnName

    def __str__(self) -> str:
        return f"{self.column} was added"


class ColumnRemoved(_Change):
    kind: Literal["column_removed"] = "column_removed"
    column: ColumnName
    nearest: tuple[str, ...] = ()
    """Columns of the same table that resemble it and are not it, as far as anyone can tell."""

    def __str__(self) -> str:
        near = f"; nearest: {', '.join(self.nearest)}" if self.nearest else ""
        return f"{self.column} was removed{near}"


class ColumnRetyped(_Change):
    kind: Literal["column_retyped"] = "column_retyped"
    column: ColumnName
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.column} was {self.before or 'untyped'} and is {self.after or 'untyped'}"


class NullabilityChanged(_Change):
    kind: Literal["nullability_changed"] = "nullability_changed"
    column: ColumnName
    nullable: bool

    def __str__(self) -> str:
        return f"{self.column} may {'now' if self.nullable else 'no longer'} be NULL"


class ColumnRenamed(_Change):
    kind: Literal["column_renamed"] = "column_renamed"
    before: ColumnName
    after: ColumnName

    def __str__(self) -> str:
        return f"{self.before} is now called {self.after.column}"


class ColumnMoved(_Change):
    kind: Literal["column_moved"] = "column_moved"
    before: ColumnName
    after: ColumnName

    def __str__(self) -> str:
        return f"{self.before} is now in {self.after}"


class TableAdded(_Change):
    kind: Literal["table_added"] = "table_added"
    table: RelationName

    def __str__(self) -> str:
        return f"{self.table} was added"


class TableRemoved(_Change):
    kind: Literal["table_removed"] = "table_removed"
    table: RelationName
    nearest: tuple[RelationName, ...] = ()
    """Tables that resemble it and are not it, as far as anyone can tell."""

    def __str__(self) -> str:
        near = f"; nearest: {', '.join(map(str, self.nearest))}" if self.nearest else ""
        return f"{self.table} was removed{near}"


class TableRenamed(_Change):
    """A table or view under another name or in another schema; its columns' own changes follow, by the new name."""

    kind: Literal["table_renamed"] = "table_renamed"
    before: RelationName
    after: RelationName

    def __str__(self) -> str:
        return f"{self.before} is now called {self.after}"


class TableSplit(_Change):
    kind: Literal["table_split"] = "table_split"
    before: RelationName
    after: tuple[RelationName, ...]
    key: tuple[str, ...]
    """The columns that each part has, by which the parts are joined."""

    def __str__(self) -> str:
        return f"{self.before} is now split over {' and '.join(map(str, self.after))}, joined by {', '.join(self.key)}"


class TablesMerged(_Change):
    kind: Literal["tables_merged"] = "tables_merged"
    before: tuple[RelationName, ...]
    after: RelationName
    how: Literal["stacked", "widened"]
    """stacked: the rows of each, one after the other. widened: the columns of each, beside each other."""
    discriminator: str | None = None
    """Of stacked tables: the column that says from which of them a row is."""

    def __str__(self) -> str:
        told = f", told apart by {self.discriminator}" if self.discriminator else ""
        return f"{' and '.join(map(str, self.before))} are now {self.how} in {self.after}{told}"


Change = Annotated[
    ColumnAdded
    | ColumnRemoved
    | ColumnRetyped
    | NullabilityChanged
    | ColumnRenamed
    | ColumnMoved
    | TableAdded
    | TableRemoved
    | TableRenamed
    | TableSplit
    | TablesMerged,
    Field(discriminator="kind"),
]
