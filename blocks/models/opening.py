"""The way from a team to its models: which saved blocks serve it, and the clients that ask through them."""

from blocks.errors import OperatorError
from blocks.models.calls import ModelClient
from blocks.models.provider import ModelProvider
from blocks.saved import load_saved

DEFAULT_BLOCK = "default"
"""The block that serves teams without one of their own."""


async def open_models(team: str) -> tuple[ModelClient, ...]:
    """The clients of the team's providers, in the order in which they are asked; none: the offline model is to answer.

    Raises:
        OperatorError: a block cannot be used, is not there, or is another team's.
    """
    found = await find_providers(team)
    if not found:
        return ()
    from blocks.models.client import client_for  # openai takes a second to import, and nobody works offline with it

    return tuple(client_for(provider, team, block=name) for name, provider in found)


async def find_providers(team: str) -> tuple[tuple[str, ModelProvider], ...]:
    """The saved block named after the team, else the one named `default`, and its fallbacks, each with its name.

    Raises:
        OperatorError: a block cannot be used, is not there, or is another team's.
    """
    for name in dict.fromkeys((team, DEFAULT_BLOCK)):
        if (first := await load_saved(ModelProvider, name)) is not None:
            _require_owner(name, first, team)
            return ((name, first), *[await _fallback(each, name, team) for each in first.fallbacks])
    return ()


async def _fallback(name: str, of: str, team: str) -> tuple[str, ModelProvider]:
    provider = await load_saved(ModelProvider, name)
    if provider is None:
        raise OperatorError(
            f"model provider block {of!r} falls back on {name!r}, which is not saved",
            mend=f"save the block {name!r}, or mend fallbacks in {of!r}",
        )
    _require_owner(name, provider, team)
    return name, provider


def _require_owner(name: str, provider: ModelProvider, team: str) -> None:
    owner = provider.team or name
    if owner not in (team, DEFAULT_BLOCK):
        raise OperatorError(
            f"model provider block {name!r} belongs to team {owner!r} and does not serve team {team!r}",
            means="no team's key is used for another team's run",
            mend=f"set `team` in the block to {team!r} where the key is that team's",
        )
