"""Blocks that are saved in the Blocks page of a real Prefect UI by headless Chromium, then used."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import presence_of_element_located, url_contains
from selenium.webdriver.support.ui import WebDriverWait

from blocks.budgets import Budget
from blocks.ledger import Ledger
from blocks.models.opening import open_models
from blocks.models.provider import ModelProvider
from blocks.services.call import Call, Trace
from blocks.services.opening import open_service
from blocks.services.service import Service
from blocks.team_budget import TeamBudget, team_budget
from tests.blocks.models.asking import request
from tests.servers.browser import chromium
from tests.servers.model_server import ModelServer
from tests.servers.scripted_api import scripted_api

PATIENCE_SECONDS = 60
SEARCH = "//input[contains(translate(@placeholder, 'S', 's'), 'search')]"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Chrome]:
    with chromium(tmp_path / "browser") as opened:
        yield opened


def fill(page: Chrome, values: dict[str, str]) -> None:
    """Writes each value into the field under that label."""
    for label, value in values.items():
        field = f"//label[normalize-space()='{label}']/following::*[self::input or self::textarea][1]"
        WebDriverWait(page, PATIENCE_SECONDS).until(presence_of_element_located((By.XPATH, field))).send_keys(value)


def create(page: Chrome, ui: str, slug: str, values: dict[str, str]) -> None:
    page.get(f"{ui}/blocks/catalog/{slug}/create")
    fill(page, values)
    page.find_element(By.XPATH, "//button[normalize-space()='Create']").click()
    WebDriverWait(page, PATIENCE_SECONDS).until(url_contains("/blocks/block/"))


async def test_a_team_s_provider_and_budget_are_saved_in_the_ui_and_are_those_of_its_runs(
    prefect_api: str, server: ModelServer, page: Chrome
) -> None:
    team, ui = f"ui-{uuid4().hex[:8]}", prefect_api.removesuffix("/api")
    for block in (ModelProvider, TeamBudget):
        await block.register_type_and_schema()
    create(
        page,
        ui,
        "model-provider",
        {
            "Block Name": team,
            "Api Key (Optional)": server.key,
            "(Optional)": server.url,
            "Fast": "gpt-4.1-nano",
            "Standard": "gpt-4.1-mini",
            "Frontier": "gpt-4.1",
        },
    )
    create(page, ui, "team-budget", {"Block Name": team, "Usd Per Month": "12.35"})
    (client,) = await open_models(team)
    answer = await client.answer(request(), 10)
    await client.aclose()

    assert answer.model == "gpt-4.1-nano-2025-04-14"
    assert await team_budget(team) == Budget(usd=Decimal("12.35"), at_limit="stop")
    page.get(f"{ui}/blocks")
    search = WebDriverWait(page, PATIENCE_SECONDS).until(presence_of_element_located((By.XPATH, SEARCH)))
    search.send_keys(team)
    WebDriverWait(page, PATIENCE_SECONDS).until(lambda shown: shown.page_source.count(team) >= 2)


async def test_a_service_is_saved_in_the_ui_and_is_asked_with_its_token(
    prefect_api: str, page: Chrome, tmp_path: Path
) -> None:
    name, ui = f"ui-{uuid4().hex[:8]}", prefect_api.removesuffix("/api")
    await Service.register_type_and_schema()
    with scripted_api() as api:
        values = {"Block Name": name, "Base Url (Optional)": api.url, "Token (Optional)": "ui-token-31"}
        create(page, ui, "service", values)
        async with Ledger.open(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}") as ledger:
            client = await open_service(name, ledger.services)
            answer = await client.send(Call("GET", "/items"), asyncio.get_running_loop().time() + 30, Trace())
            await client.aclose()

    assert answer.body == {"ok": True}
    assert api.asked[0].headers["authorization"] == "Bearer ui-token-31"
