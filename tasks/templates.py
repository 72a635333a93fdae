"""Templates in definitions: sandboxed Jinja over a run's inputs and the outcomes of earlier nodes.

A node's id with hyphens is a name with underscores here: `sign-off` is `{{ sign_off.decision }}`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from blocks.errors import InputRefused
from tasks.outcome import Scope


class Reference(NamedTuple):
    """A name that a template uses, with the attribute that it asks of it, if any."""

    name: str
    attribute: str | None


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


def variable(node_id: str) -> str:
    """The name under which templates see a node."""
    return node_id.replace("-", "_")


def syntax_error(text: str) -> str | None:
    """What is wrong with the template, or None."""
    try:
        _environment().parse(text)
    except TemplateSyntaxError as error:
        return error.message or "it cannot be parsed"
    return None


def references(text: str) -> frozenset[Reference]:
    """Every name that a valid template uses, with its first attribute: `risk.label` is (risk, label)."""
    tree = _environment().parse(text)
    free = meta.find_undeclared_variables(tree)
    dotted = {
        Reference(node.node.name, node.attr)
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name in free
    }
    return frozenset(dotted | {Reference(name, None) for name in free - {found.name for found in dotted}})


def render(text: str, scope: Scope) -> str:
    """The template with the scope's values filled in.

    Raises:
        InputRefused: a name or an attribute has no value in this run.
    """
    if "{" not in text:
        return text
    try:
        return _environment().from_string(text).render(_values(scope))
    except TemplateError as error:
        raise _refused(text, error) from error


def holds(condition: str, scope: Scope) -> bool:
    """Whether a `when` condition is true: a bare expression, or one in double braces.

    Raises:
        InputRefused: a name or an attribute has no value in this run.
    """
    text = condition.strip().removeprefix("{{").removesuffix("}}")
    try:
        return bool(_environment().compile_expression(text, undefined_to_none=False)(**_values(scope)))
    except TemplateError as error:
        raise _refused(condition, error) from error


def _values(scope: Scope) -> Mapping[str, Any]:
    return {**scope.inputs, **{variable(node): outcome.view() for node, outcome in scope.outcomes.items()}}


def _refused(text: str, error: TemplateError) -> InputRefused:
    return InputRefused(
        f"the template {text!r} cannot be filled in: {error.message}",
        mend="use an input of the workflow, or a node upstream and one of its fields",
    )
