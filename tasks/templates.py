"""Templates in definitions: sandboxed Jinja over a run's inputs and the outcomes of earlier nodes.

A node's id with hyphens is a name with underscores here: `sign-off` is `{{ sign_off.decision }}`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from blocks.errors import InputRefused
from tasks.outcome import Scope

_OTHER_TEMPLATES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_RAISED = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
"""What a template may raise: its own errors, and those of the values that it computes with."""


class Reference(NamedTuple):
    """A name that a template uses, with the attribute that it asks of it, if any."""

    name: str
    attribute: str | None


@lru_cache(maxsize=2)
def _environment(*, of_path: bool = False) -> ImmutableSandboxedEnvironment:
    finalize = _quoted if of_path else None
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, finalize=finalize)


def _quoted(value: object) -> object:
    if isinstance(value, Undefined):
        return value  # for Jinja to refuse
    if value is None or str(value) in ("", ".", ".."):
        raise ValueError(f"{str(value)!r} is no part of a path")
    return quote(str(value), safe="")


def variable(node_id: str) -> str:
    """The name under which templates see a node."""
    return node_id.replace("-", "_")


def condition_template(condition: str) -> str:
    """A `when` as a template, so that its syntax and its names are checked like any other's."""
    inner = _expression(condition)
    # Two pairs of braces make two values and no condition; a statement that takes one value refuses them.
    return f"{{% set condition = {inner} %}}" if "{{" in inner or "}}" in inner else f"{{{{ {inner} }}}}"


def can_name(name: str) -> bool:
    """Whether a template can say the name; Jinja keeps some, such as `not` and `range`, for itself."""
    text = f"{{{{ {name} }}}}"
    return syntax_error(text) is None and Reference(name, None) in references(text)


def syntax_error(text: str) -> str | None:
    """What is wrong with the template, or None."""
    environment = _environment()
    try:
        tree = environment.parse(text)
        # Jinja leaves an unknown one to the run where it stands in a condition.
        for kind, known in ((nodes.Filter, environment.filters), (nodes.Test, environment.tests)):
            for used in tree.find_all(kind):
                if used.name not in known:
                    return f"there is no {kind.__name__.lower()} {used.name!r}"
        environment.compile(text)
    except TemplateSyntaxError as error:
        return (error.message or "it cannot be parsed").rstrip(".")
    except SyntaxError as error:
        return error.msg  # such as an argument that is given twice: Jinja leaves it to Python
    except RecursionError:
        return "it is nested too deeply"
    return "there are no other templates to include" if any(tree.find_all(_OTHER_TEMPLATES)) else None


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
        InputRefused: a name or an attribute has no value in this run, or one that does not fit.
    """
    return _rendered(text, scope)


def render_path(text: str, scope: Scope) -> str:
    """The template of a URL's path; each value is quoted, so that it is one segment of it and adds nothing else.

    Raises:
        InputRefused: a name or an attribute has no value in this run, or one that does not fit.
    """
    return _rendered(text, scope, of_path=True)


def _rendered(text: str, scope: Scope, *, of_path: bool = False) -> str:
    if "{" not in text:
        return text
    try:
        return _environment(of_path=of_path).from_string(text).render(_values(scope))
    except _RAISED as error:
        raise _refused(text, error) from error


def holds(condition: str, scope: Scope) -> bool:
    """Whether a `when` condition is true: a bare expression, or one in double braces.

    Raises:
        InputRefused: a name or an attribute has no value in this run, or one that does not fit.
    """
    try:
        compiled = _environment().compile_expression(_expression(condition), undefined_to_none=False)
        return bool(compiled(**_values(scope)))
    except _RAISED as error:
        raise _refused(condition, error) from error


def _expression(condition: str) -> str:
    return condition.strip().removeprefix("{{").removesuffix("}}").strip()


def _values(scope: Scope) -> Mapping[str, Any]:
    return {**scope.inputs, **{variable(node): outcome.view() for node, outcome in scope.outcomes.items()}}


def _refused(text: str, error: Exception) -> InputRefused:
    return InputRefused(
        f"the template {text!r} cannot be filled in: {error}",
        mend="use an input of the workflow, or a node upstream and one of its fields",
    )
