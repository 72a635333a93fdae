"""The commands about gates and people. They parse words; heavy imports are left to what they call."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli_options import Json, pairs

commands = typer.Typer()


@commands.command()
def approvals(json: Json = False) -> None:
    """List the gates that wait for a decision."""
    from deployments.approvals import list_approvals

    list_approvals(as_json=json)


@commands.command()
def approve(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The id of the run, or how it begins.")],
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="Who you are in the directory.")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="Reject in place of approving.")] = False,
    comment: Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.")] = "",
    code: Annotated[
        str, typer.Option("--code", metavar="CODE", envvar="HOLDFAST_CODE", help="The code from your message.")
    ] = "",
    gate: Annotated[str, typer.Option("--gate", metavar="NODE", help="Which gate, where the run has several.")] = "",
    correct: Annotated[
        list[str] | None, typer.Option("--set", metavar="NODE.FIELD=VALUE", help="Correct an editable field.")
    ] = None,
) -> None:
    """Decide at a gate; the code proves who you are, unless your login is in the directory."""
    from deployments.approvals import approve_run

    approve_run(
        run_id,
        gate=gate,
        name=name,
        verdict="reject" if reject else "approve",
        comment=comment,
        code=code,
        edits=pairs("--set", correct),
    )


@commands.command()
def delegate(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Who is away.")],
    to: Annotated[str, typer.Option("--to", metavar="PERSON", help="Who decides in their place.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="YYYY-MM-DD", help="The last day.")] = "",
    begins: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="The first day; now if not given.")] = "",
    end: Annotated[bool, typer.Option("--end", help="End what they have delegated.")] = False,
) -> None:
    """Let somebody decide in the place of somebody who is away."""
    from deployments import people

    if end:
        people.end_delegation(person)
        return
    last = _date("--until", until)
    if not to or last is None:
        raise typer.BadParameter("say who stands in and until when: --to NAME --until YYYY-MM-DD")
    people.delegate(person, to, last, _date("--from", begins))


@commands.command()
def people(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="YAML to save as the directory.")] = None,
) -> None:
    """List the directory of people and who stands in for whom, or save one from YAML."""
    from deployments.people import list_people, save_people

    if file is None:
        list_people()
    else:
        save_people(file)


def _date(option: str, given: str) -> date | None:
    try:
        return date.fromisoformat(given) if given else None
    except ValueError as error:
        raise typer.BadParameter(f"{given!r} is no date such as 2026-12-10", param_hint=option) from error
