"""The settings of a `deliver` node."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from tasks.node import TAG, NodeId, Produces, WritingNode

_INSIDE = frozenset({"file", "local", "memory"})
_Text = Annotated[str, Field(min_length=1)]


class Target(BaseModel):
    """Where a text goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def is_outside(self) -> bool:
        """Whether it is not Holdfast's own."""
        return True


class DocumentTarget(Target):
    """A document in any fsspec folder: a path under the deliveries root, or a URL such as s3://bucket/report.md."""

    documents: _Text

    @property
    def is_outside(self) -> bool:
        """Whether it has a protocol other than a local file's: the deliveries folder is Holdfast's own."""
        return "://" in self.documents and self.documents.partition("://")[0] not in _INSIDE


class SlackTarget(Target):
    """A message in a Slack channel; a text that is too long for one is a file under it."""

    slack: _Text
    """The channel: its id, or for messages its #name."""
    service: _Text = "slack"
    as_file: bool = False
    """Always as a file; Slack wants the channel's id for that."""


class EmailTarget(Target):
    """A mail, by the Email Channel block."""

    email: _Text
    """A person or a role of the directory, or an address."""
    subject: str = ""
    """A template; empty: the text's first line."""


class JiraTarget(Target):
    """A comment on a Jira issue."""

    jira: _Text
    """The issue's key."""
    service: _Text = "jira"


class GithubTarget(Target):
    """A new GitHub issue."""

    github: Annotated[str, Field(pattern=r"^[^/\s]+/[^/\s]+$")]
    """The repository, as owner/name."""
    title: str = ""
    """A template; empty: the text's first line."""
    service: _Text = "github"


class DriveTarget(Target):
    """A new file in Google Drive."""

    drive: _Text
    """The file's name."""
    folder: str = ""
    """The folder's id; empty: the account's own root."""
    service: _Text = "google"


_TARGETS: dict[str, type[Target]] = {
    "documents": DocumentTarget,
    "slack": SlackTarget,
    "email": EmailTarget,
    "jira": JiraTarget,
    "github": GithubTarget,
    "drive": DriveTarget,
}


def _kind_of(target: object) -> str | None:
    """The target's kind, by the one of its fields that names a place, or was meant to; as the tag of the union."""
    if isinstance(target, Target):
        named = [name for name, kind in _TARGETS.items() if type(target) is kind]
    else:
        written = [key for key in target if isinstance(key, str)] if isinstance(target, dict) else []
        named = [name for name in _TARGETS if name in written]
        named = named or [near for key in written for near in get_close_matches(key, _TARGETS, 1, cutoff=0.65)]
    return f"{TAG}{named[0]}" if len(named) == 1 else None


AnyTarget = Annotated[
    Annotated[DocumentTarget, Tag(f"{TAG}documents")]
    | Annotated[SlackTarget, Tag(f"{TAG}slack")]
    | Annotated[EmailTarget, Tag(f"{TAG}email")]
    | Annotated[JiraTarget, Tag(f"{TAG}jira")]
    | Annotated[GithubTarget, Tag(f"{TAG}github")]
    | Annotated[DriveTarget, Tag(f"{TAG}drive")],
    Discriminator(
        _kind_of,
        custom_error_type="no_place",
        custom_error_message=f"name one place: {', '.join(_TARGETS)}",
    ),
]


class DeliverNode(WritingNode):
    """Delivers one node's text to each target; none is delivered twice."""

    default_retry: ClassVar[int] = 2
    produces: ClassVar[frozenset[Produces]] = frozenset({"fields"})

    kind: Literal["deliver"] = "deliver"
    to: Annotated[tuple[AnyTarget, ...], Field(min_length=1)]
    content: NodeId | None = None
    """The node whose text is delivered; None: the nearest one upstream that has a text."""

    @property
    def writes_outside(self) -> bool:
        return any(target.is_outside for target in self.to)

    def templates(self) -> Iterator[tuple[str, str]]:
        yield from super().templates()
        for at, target in enumerate(self.to):
            for name, value in target:
                if isinstance(value, str) and name != "service" and value:
                    yield f"to[{at}].{name}", value

    def reads(self) -> Iterator[tuple[str, str]]:
        if self.content:
            yield "content", self.content

    def field_names(self) -> frozenset[str]:
        return frozenset({"delivered"})
