"""The `holdfast` command. It parses words and prints; heavy imports are left to the commands that need them.

Exit status: 0 completed, 1 failed, 2 a definition or the usage is wrong, 3 degraded. Of `query`: 0 answered,
3 answered after a repair, 4 refused because of drift.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from blocks.errors import AuthorError, HoldfastError, Problem, RunUnknown, WorkflowUnknown
from blocks.words import counted
from deployments.cli_approvals import commands as approval_commands
from deployments.cli_options import Json, pairs

if TYPE_CHECKING:
    from flows.workflow import Workflow
    from tasks.context import Verdict

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

Inputs = Annotated[list[str] | None, typer.Option("-i", "--input", metavar="NAME=VALUE", help="An input of the run.")]
Sources = Annotated[
    list[str] | None, typer.Option("--source", metavar="NAME=URL", help="A database or folder, for this run only.")
]
Decisions = Annotated[
    list[str] | None, typer.Option("--decide", metavar="NODE=approve|reject", help="A gate's decision, given now.")
]


@app.callback()
def holdfast() -> None:
    """Agentic workflows that hold in production, on Prefect 3."""


@app.command()
def run(
    workflow: Annotated[
        str, typer.Argument(metavar="WORKFLOW|FILE", help="A shipped workflow, or a definition's file.")
    ],
    inputs: Inputs = None,
    source: Sources = None,
    decide: Decisions = None,
    json: Json = False,
) -> None:
    """Run a workflow here and now, and show each node as it goes."""
    from deployments.runs import run_workflow

    raise typer.Exit(
        run_workflow(
            *_definition(workflow),
            pairs("-i", inputs),
            sources=pairs("--source", source),
            decisions=_decisions(decide),
            as_json=json,
        )
    )


@app.command()
def resume(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The id of a run that was cut off.")],
    source: Sources = None,
    decide: Decisions = None,
    json: Json = False,
) -> None:
    """Go on with a run under its id; finished nodes are not done again."""
    from deployments.runs import resume_run

    raise typer.Exit(resume_run(run_id, sources=pairs("--source", source), decisions=_decisions(decide), as_json=json))


@app.command()
def check(file: Annotated[str, typer.Argument(metavar="WORKFLOW|FILE")]) -> None:
    """Say everything that is wrong with a definition."""
    from flows.definitions import inspect
    from tasks.kinds import functions_missing

    text = _definition(file)[0]
    workflow, problems = inspect(text)
    if workflow is not None:
        problems = (*problems, *functions_missing(workflow.nodes), *_approvers_missing(workflow))
    for problem in problems:
        typer.echo(_problem_line(file, problem))
    if problems or workflow is None:
        typer.echo(f"{file}: {counted(len(problems), 'problem')}", err=True)
        raise typer.Exit(2)
    typer.echo(f"{file}: {workflow.name} is sound: {len(workflow.nodes)} nodes, {len(workflow.outputs)} outputs")


@app.command()
def graph(file: Annotated[str, typer.Argument(metavar="WORKFLOW|FILE")]) -> None:
    """Print a definition's graph as Mermaid."""
    from flows.definitions import load
    from flows.graph import mermaid

    text, name = _definition(file)
    typer.echo(mermaid(load(text, name).nodes), nl=False)


@app.command()
def schema(source: Annotated[str, typer.Argument(metavar="SOURCE|URL")], json: Json = False) -> None:
    """Show what a database has, and what changed in it since it was last looked at."""
    from deployments.schemas import show_schema

    show_schema(source, as_json=json)


@app.command()
def query(
    source: Annotated[str, typer.Argument(metavar="SOURCE|URL")],
    sql: Annotated[str, typer.Argument(metavar="SQL")],
    on_drift: Annotated[
        str, typer.Option("--on-drift", metavar="repair|approve|fail", help="What drift means.")
    ] = "repair",
    json: Json = False,
) -> None:
    """Answer a saved query on the schema as it is now, repaired where that can be done for sure."""
    from deployments.queries import run_query
    from tasks.drift.choice import OnDrift

    known: dict[str, OnDrift] = {each: each for each in get_args(OnDrift)}
    if on_drift not in known:
        raise typer.BadParameter(f"{on_drift!r} is not one of {', '.join(known)}", param_hint="--on-drift")
    raise typer.Exit(run_query(source, sql, on_drift=known[on_drift], as_json=json))


@app.command()
def costs(
    by: Annotated[
        str, typer.Option("--by", metavar="workflow|node|team|model|tier|day", help="What is added up.")
    ] = "workflow",
    since: Annotated[
        str, typer.Option("--since", metavar="DAY|DURATION", help="2026-11-01 or 30d; else since this month began.")
    ] = "",
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a CSV, and nothing else, on standard output.")] = False,
) -> None:
    """Show what models cost, and what the same calls had cost on the frontier model."""
    from deployments.costs import By, show_costs

    known: dict[str, By] = {each: each for each in get_args(By)}
    if by not in known:
        raise typer.BadParameter(f"{by!r} is not one of {', '.join(known)}", param_hint="--by")
    show_costs(known[by], since, "json" if json else "csv" if csv else "text")


@app.command()
def services(
    since: Annotated[
        str, typer.Option("--since", metavar="DAY|DURATION", help="2026-11-01 or 30d; else since this month began.")
    ] = "",
    json: Json = False,
) -> None:
    """Show how calls of services end, and which limits and failures hold them back now."""
    from deployments.services import show_services

    show_services(since, as_json=json)


@app.command()
def tiers(
    workflow: Annotated[str, typer.Argument(metavar="WORKFLOW|FILE")],
    most_usd: Annotated[
        str, typer.Option("--at-most", metavar="USD", help="What the review itself may cost.")
    ] = "1.00",
    calls: Annotated[int, typer.Option("--calls", min=1, help="How many calls of each node are asked again.")] = 10,
    json: Json = False,
) -> None:
    """Ask each step's last questions on the next cheaper tier, and say how often the answers agree."""
    from decimal import Decimal, InvalidOperation

    from deployments.tiers import show_tiers
    from flows.definitions import load

    try:
        most = Decimal(most_usd)
    except InvalidOperation:
        most = Decimal("nan")
    if not (most.is_finite() and most > 0):
        raise typer.BadParameter(f"{most_usd!r} is no amount above 0, such as 0.50", param_hint="--at-most")
    show_tiers(load(*_definition(workflow)), most_usd=most, most_calls=calls, as_json=json)


@app.command(name="list")
def list_workflows() -> None:
    """List the workflows that can be run by name."""
    from flows.catalog import definition, names

    width = max(map(len, names()), default=0)
    for name in names():
        typer.echo(f"{name:<{width}}  {definition(name).description}")


app.add_typer(approval_commands)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command, with the process's own arguments unless others are given; it ends in SystemExit.

    An error of Holdfast is one line on standard error.
    """
    try:
        app(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except HoldfastError as error:
        typer.echo(f"holdfast: {error}", err=True)
        sys.exit(2 if isinstance(error, AuthorError | WorkflowUnknown | RunUnknown) else 1)


def _definition(name: str) -> tuple[str, str]:
    """The definition's text, and the name to call it by in errors."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        try:
            return path.read_text(encoding="utf-8"), name
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise WorkflowUnknown(f"{name} cannot be read: {reason}", mend="name a definition's YAML file") from error
    from flows.catalog import definition_text  # reads package data; a file needs none of it

    return definition_text(name), name


def _decisions(given: list[str] | None) -> "dict[str, Verdict]":
    known: dict[str, Verdict] = {"approve": "approve", "reject": "reject"}
    decisions = {}
    for node, said in pairs("--decide", given).items():
        if said not in known:
            raise typer.BadParameter(f"{said!r} for {node} is neither approve nor reject", param_hint="--decide")
        decisions[node] = known[said]
    return decisions


def _approvers_missing(workflow: "Workflow") -> "list[Problem]":
    """Asks the directory of the Prefect server that is set; a temporary one takes too long to start for a check."""
    from deployments.local_server import has_own_server, may_have_own_server, quiet_prefect

    quiet_prefect()
    if not workflow.asking or not may_have_own_server() or not has_own_server():
        return []
    from asyncio import run

    from blocks.people.directory import saved_roster
    from flows.gate_checks import unknown_approvers

    roster = run(saved_roster())
    return unknown_approvers(workflow.nodes, roster) if roster else []


def _problem_line(file: str, problem: Problem) -> str:
    return f"{file}:{problem.line}: {problem}" if problem.line else f"{file}: {problem}"


if __name__ == "__main__":
    main()
