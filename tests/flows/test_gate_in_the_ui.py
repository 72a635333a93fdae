"""People open a waiting run in Prefect's own UI, read what it is about, and decide there: headless Chromium does it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import element_to_be_clickable
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.flows.gated import GATED, paused
from tests.flows.office import Office, approved, office
from tests.flows.running import ledger, new_run, run, shop
from tests.servers.browser import chromium

PATIENCE_SECONDS = 90
ALICE = "alice@example.com"
DIALOG = "//*[contains(@class, 'p-modal__footer')]/.."


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Office]:
    async with office({"shop": shop(tmp_path)}) as opened:
        yield opened


def clickable(page: Chrome, xpath: str) -> WebElement:
    return WebDriverWait(page, PATIENCE_SECONDS).until(element_to_be_clickable((By.XPATH, xpath)))


def decide(page: Chrome, url: str, decision: str, *texts: str) -> str:
    """Fills in the form of the run at the URL; returns what stood above it and in it."""
    page.get(url)
    clickable(page, "//button[contains(., 'Resume')]").click()
    # Without a mouse Prefect's form has the browser's own list of choices.
    choices = clickable(page, f"{DIALOG}//select[option='approve']")
    shown = page.find_element(By.XPATH, DIALOG).text
    Select(choices).select_by_visible_text(decision)
    fields = page.find_elements(By.XPATH, f"{DIALOG}//textarea")
    shown += "".join(field.get_attribute("value") or "" for field in fields)
    for field, text in zip(fields, texts, strict=True):
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)
    clickable(page, f"{DIALOG}//button[normalize-space()='Submit']").click()
    WebDriverWait(page, PATIENCE_SECONDS).until_not(lambda page: page.find_elements(By.XPATH, DIALOG))
    return shown


async def test_a_gate_without_a_directory_is_approved_by_name(prefect_api: str, tmp_path: Path) -> None:
    patient = GATED.replace("timeout: 30s", "timeout: 5m")
    run_id = await new_run(patient)
    running = asyncio.create_task(run(patient, {"shop": shop(tmp_path)}, run_id=run_id))
    await paused(run_id)
    url = f"{prefect_api.removesuffix('/api')}/runs/flow-run/{run_id}"
    with chromium(tmp_path / "profile") as page:
        shown = await asyncio.to_thread(decide, page, url, "approve", "looks right", "Ann")
    done = await (await running).aresult()

    async with ledger() as rows:
        decision = await rows.decision(run_id, "sign-off")
        delivered = await rows.deliveries(run_id)
    assert (decision.decision, decision.comment, decision.decided_by) == ("approve", "looks right", "Ann")
    assert (done.state, len(delivered)) == ("Completed", 1)
    for said in ("gated: sign-off", "What we spent", "Cost so far", "Asked: the-boss"):
        assert said in shown


async def test_an_approver_follows_the_link_corrects_a_field_and_approves_and_another_rejects(
    desk: Office, tmp_path: Path
) -> None:
    settings = "timeout: 4h, editable: [report.text]"
    corrected, running = await desk.start(approved("ui-corrected", settings=settings))
    await desk.asked(corrected, ALICE)
    link = next(word for word in desk.mail.to(ALICE)[0].get_content().split() if word.startswith("http"))
    text = "# What we spent\n\nNext to nothing."
    with chromium(tmp_path / "profile") as page:
        # The code may be typed, or the whole link pasted.
        shown = await asyncio.to_thread(decide, page, link, "approve", "one figure was wrong", link, text)
        done = await (await running).aresult()
        rejected, other = await desk.start(approved("ui-rejected"))
        await desk.asked(rejected, ALICE, times=2)
        wrong = f"{link.partition('/runs/')[0]}/runs/flow-run/{rejected}"
        await asyncio.to_thread(decide, page, wrong, "approve", "", desk.mail.code_for("alice@example.com")[:-1] + "?")
        await desk.happened(rejected, "refused")
        await paused(rejected)
        again = await asyncio.to_thread(decide, page, wrong, "reject", "too much", desk.mail.code_for(ALICE))
    ended = await (await other).aresult()
    delivered = Path(done.deliveries[0]).read_text()

    assert "Asked: alice." in shown
    assert "| vendor | spend |" in shown
    assert "Next to nothing." in delivered
    assert "sign-off: approve by alice (Prefect)" in delivered
    assert "Corrected: report.text, by alice." in delivered
    assert (await desk.decision(corrected)).comment == "one figure was wrong"
    assert "The last answer did not count" in again
    assert (ended.state, await desk.delivered(rejected)) == ("Rejected", 0)
    assert (await desk.decision(rejected)).comment == "too much"
