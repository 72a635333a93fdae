"""The directory and its delegations at the command line."""

import asyncio
from datetime import date
from pathlib import Path

import typer

from blocks.errors import DelegationRefused, DirectoryRefused
from blocks.ledger import Ledger
from blocks.settings import HoldfastSettings
from blocks.signed_in import signed_in_user
from deployments.local_server import quiet_prefect, start_server
from tasks.context import utc_now


def save_people(file: Path) -> None:
    """Saves the people of the YAML file as the Directory block.

    Raises:
        DirectoryRefused: the file cannot be read, or what it says is wrong.
    """
    quiet_prefect()
    asyncio.run(_save(file))


def list_people() -> None:
    """Prints everybody in the saved directory, and who stands in for whom."""
    quiet_prefect()
    asyncio.run(_list())


def delegate(person: str, to: str, until: date, begins: date | None) -> None:
    """Lets somebody stand in for the person, once that is confirmed by whoever may.

    Raises:
        DelegationRefused: it cannot be, or nobody who may has confirmed it.
    """
    quiet_prefect()
    asyncio.run(_delegate(person, to, until, begins))


def end_delegation(person: str) -> None:
    """Ends what the person has delegated.

    Raises:
        DelegationRefused: there was nothing to end, or the user of this machine may not.
    """
    quiet_prefect()
    asyncio.run(_end(person))


async def _save(file: Path) -> None:
    from blocks.people.directory import NAME, directory_from_yaml

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DirectoryRefused(f"{file} cannot be read: {error}") from error
    directory = directory_from_yaml(text, str(file))
    await _server()
    await directory.asave(NAME, overwrite=True)
    typer.echo(f"{file}: saved {len(directory.people)} people as the Directory block {NAME!r}")


async def _list() -> None:
    await _server()
    from blocks.people.directory import saved_roster

    roster = await saved_roster()
    if roster is None:
        typer.echo("No directory is saved: holdfast people FILE saves one.")
        return
    for person in roster.people:
        known = {
            "roles": ", ".join(person.roles),
            "under": person.manager,
            "email": person.email,
            "slack": person.slack,
        }
        typer.echo(f"{person.name}: " + "; ".join(f"{what} {value}" for what, value in known.items() if value))
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        for each in await ledger.gates.delegations(utc_now()):
            span = f"{each.begins_at:%Y-%m-%d %H:%M} to {each.ends_at:%Y-%m-%d %H:%M} UTC"
            typer.echo(f"{each.alternate} stands in for {each.person}, {span}, set by {each.set_by}")


async def _delegate(person: str, to: str, until: date, begins: date | None) -> None:
    await _server()
    from blocks.people.directory import required_roster
    from flows.delegate_approvals import delegate_approvals, plan_delegation, record_delegation
    from flows.engine import RunOptions, run_options
    from tasks.approve.delegating import may_delegate

    options = RunOptions()
    async with Ledger.open(options.settings.ledger) as ledger:
        roster = await required_roster()
        plan = await plan_delegation(ledger, options, roster, person=person, to=to, until=until, begins=begins)
        who = roster.with_login(signed_in_user())
        if may_delegate(roster, who, plan.person):
            await record_delegation(ledger, options, plan, set_by=who.name if who else "")
            typer.echo(f"{plan}.")
            return
    run_options.set(options)
    typer.echo(f"{plan.person.name} must confirm this: a code was sent; see holdfast approvals", err=True)
    typer.echo(f"{await delegate_approvals(person, to, until, begins)}.")


async def _end(person: str) -> None:
    await _server()
    from blocks.people.directory import required_roster
    from tasks.approve.delegating import may_delegate

    roster = await required_roster()
    whose, who = roster.find(person), roster.with_login(signed_in_user())
    if whose is None:
        raise DelegationRefused(f"{person!r} is not in the directory")
    if not may_delegate(roster, who, whose):
        raise DelegationRefused(
            f"{signed_in_user()} may not end what {whose.name} has delegated",
            mend="let them do it, or somebody above them whose login is in the directory",
        )
    async with Ledger.open(HoldfastSettings().ledger) as ledger:
        if not await ledger.gates.end_delegations(whose.name, utc_now()):
            raise DelegationRefused(f"nobody stands in for {whose.name}")
    typer.echo(f"{whose.name} decides again.")


async def _server() -> None:
    await start_server(lambda text: typer.echo(text, err=True))
