"""A team's models for a test: loopback providers, and what the team may spend on them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from blocks.budgets import Budget
from blocks.models.client import client_for
from blocks.models.provider import ModelProvider
from tasks.models.team import TeamModels
from tests.blocks.models.asking import provider_at
from tests.servers.model_server import ModelServer


@asynccontextmanager
async def a_team(*providers: ModelProvider, **budgets: Budget) -> AsyncIterator[TeamModels]:
    """The models of team `operations`; its providers are called operations, operations-2, and so on."""
    names = ["operations", *(f"operations-{number}" for number in range(2, len(providers) + 1))]
    clients = [client_for(each, "operations", block=name) for name, each in zip(names, providers, strict=True)]
    models = TeamModels(tuple(clients), budgets)
    try:
        yield models
    finally:
        await models.aclose()


@asynccontextmanager
async def a_team_at(
    server: ModelServer, *, key: str | None = None, budgets: Mapping[str, Budget] | None = None, **fields: Any
) -> AsyncIterator[TeamModels]:
    """The models of a team with one provider, which has these fields in its block."""
    async with a_team(provider_at(server.url, key or server.key, **fields), **(budgets or {})) as models:
        yield models


def in_seconds(seconds: float) -> float:
    """So many seconds from now, in the event loop's time."""
    return asyncio.get_running_loop().time() + seconds
