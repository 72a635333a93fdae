"""The settings of a `request` node."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from pydantic import AfterValidator, Field, JsonValue, model_validator

from tasks.node import Produces, WritingNode
from tasks.outcome import Table

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
METHODS: Mapping[str, Method] = {"get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE"}
_RESERVED = frozenset({"text", "rows", "gaps", "status"})
"""What templates read of any outcome, and what every write has."""


def _readable(expression: str) -> str:
    try:
        parsed = jmespath.compile(expression).parsed
    except (JMESPathError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"{expression[:80]!r} is no JMESPath: {said[:120]}") from None
    for part in _parts(parsed):
        if part["type"] == "function_expression" and part["value"] not in Functions.FUNCTION_TABLE:
            known = ", ".join(Functions.FUNCTION_TABLE)
            raise ValueError(
                f"{expression[:80]!r} is no JMESPath: there is no function {part['value']}; it has {known}"
            )
        if part["type"] == "slice" and 0 in part["children"][2:]:
            raise ValueError(f"{expression[:80]!r} is no JMESPath: a slice has a step of 1 or more")
    return expression


def _parts(parsed: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every part of a parsed expression."""
    yield parsed
    for child in parsed["children"]:
        if isinstance(child, Mapping):
            yield from _parts(child)


JmesPath = Annotated[str, Field(min_length=1), AfterValidator(_readable)]
Path = Annotated[str, Field(pattern=r"^/")]
Parameter = str | int | float | bool | list[str | int | float]


class RequestNode(WritingNode):
    """A request to a service; a list is read page by page, up to `limit` rows."""

    default_retry: ClassVar[int] = 1

    kind: Literal["request"] = "request"
    service: Annotated[str, Field(min_length=1)]
    """The name of a Service block."""
    get: Path | None = None
    """The path to read, as a template; values that are filled in cannot add to it."""
    post: Path | None = None
    put: Path | None = None
    patch: Path | None = None
    delete: Path | None = None
    params: Mapping[str, Parameter] = {}
    """The query's parameters; texts are templates."""
    body: JsonValue = None
    """Sent as JSON; its texts are templates."""
    pick: JmesPath | None = None
    """JMESPath from each page to its rows; None: the API's list, or the only one that the page has."""
    fields: Mapping[str, JmesPath] = {}
    """Name to JMESPath, of the first page: values for templates and outputs."""
    limit: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """How many rows at most."""
    pages: Literal["all", "first"] = "all"
    """Whether a list is read to its end."""
    only_reads: bool = False
    """Of a POST that changes nothing, such as a search: it needs no gate and may be made again."""

    @model_validator(mode="after")
    def _is_one_request(self) -> "RequestNode":
        given = [name for name in METHODS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"write one of get, post, put, patch and delete, not {' and '.join(given) or 'none'}")
        if self.only_reads and given != ["post"]:
            raise ValueError("only_reads is for a post that changes nothing, such as a search; remove it")
        if given == ["get"] and self.body is not None:
            raise ValueError("a get has no body; write params, or a post with only_reads: true")
        if twice := sorted(_RESERVED & self.fields.keys()):
            raise ValueError(f"fields has {twice[0]!r}, which templates keep for themselves; choose another name")
        return self

    @property
    def method(self) -> Method:
        """The HTTP method."""
        return next(method for name, method in METHODS.items() if getattr(self, name) is not None)

    @property
    def path(self) -> str:
        """The path, as a template."""
        return str(next(path for name in METHODS if (path := getattr(self, name)) is not None))

    @property
    def writes_outside(self) -> bool:
        return self.method != "GET" and not self.only_reads

    @property
    def degrades(self) -> bool:
        """As a source where it reads; a write that fails, fails the run."""
        return self.on_failure == "degrade" or (self.on_failure is None and not self.writes_outside)

    def produces_now(self) -> frozenset[Produces]:
        table: frozenset[Produces] = frozenset() if self.writes_outside else frozenset({"table"})
        return table | (frozenset({"fields"}) if self.field_names() else frozenset())

    def templates(self) -> Iterator[tuple[str, str]]:
        yield from super().templates()
        yield self.method.lower(), self.path
        for name, value in self.params.items():
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    yield f"params.{name}", text
        yield from _texts("body", self.body)

    def field_names(self) -> frozenset[str]:
        return frozenset(self.fields) | (frozenset({"status"}) if self.writes_outside else frozenset())

    def empty(self) -> dict[str, Any]:
        return {} if self.writes_outside else {"table": Table(columns=()), "fields": dict.fromkeys(self.fields)}


def _texts(place: str, value: JsonValue) -> Iterator[tuple[str, str]]:
    """Every text of the body, with where it is."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(f"{place}.{name}", each)
    elif isinstance(value, list):
        for at, each in enumerate(value):
            yield from _texts(f"{place}[{at}]", each)
