"""Options that several commands have, and how what is typed is read."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else, on standard output.")]


def pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """What was given as NAME=VALUE, by name; anything else is a wrong use of `option`."""
    read = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint=option)
        read[name] = value
    return read
