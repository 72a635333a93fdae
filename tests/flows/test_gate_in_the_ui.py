"""A person opens a waiting run in Prefect's own UI, reads what it is about, and approves it there."""

import asyncio
from pathlib import Path

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import element_to_be_clickable
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.flows.gated import GATED, paused
from tests.flows.running import ledger, new_run, run, shop
from tests.servers.browser import chromium

PATIENCE_SECONDS = 90


def clickable(page: Chrome, xpath: str) -> WebElement:
    return WebDriverWait(page, PATIENCE_SECONDS).until(element_to_be_clickable((By.XPATH, xpath)))


def approve(url: str, profile: Path) -> str:
    """Fills in the form of the run at the URL; returns what stood above it."""
    with chromium(profile) as page:
        page.get(url)
        clickable(page, "//button[contains(., 'Resume')]").click()
        dialog = "//*[contains(@class, 'p-modal__footer')]/.."
        # Without a mouse Prefect's form has the browser's own list of choices.
        choices = clickable(page, f"{dialog}//select[option='approve']")
        shown = page.find_element(By.XPATH, dialog).text
        Select(choices).select_by_visible_text("approve")
        comment, name = page.find_elements(By.XPATH, f"{dialog}//textarea")
        comment.send_keys("looks right")
        name.send_keys("Ann")
        clickable(page, f"{dialog}//button[normalize-space()='Submit']").click()
        WebDriverWait(page, PATIENCE_SECONDS).until_not(lambda page: page.find_elements(By.XPATH, dialog))
    return shown


async def test_a_gate_is_approved_in_the_prefect_ui(prefect_api: str, tmp_path: Path) -> None:
    patient = GATED.replace("timeout: 30s", "timeout: 5m")
    run_id = await new_run(patient)
    running = asyncio.create_task(run(patient, {"shop": shop(tmp_path)}, run_id=run_id))
    await paused(run_id)
    url = f"{prefect_api.removesuffix('/api')}/runs/flow-run/{run_id}"
    shown = await asyncio.to_thread(approve, url, tmp_path / "profile")
    done = await (await running).aresult()

    async with ledger() as rows:
        decision = await rows.decision(run_id, "sign-off")
        delivered = await rows.deliveries(run_id)
    assert (decision.decision, decision.comment, decision.decided_by) == ("approve", "looks right", "Ann")
    assert (done.state, len(delivered)) == ("Completed", 1)
    for said in ("gated: sign-off", "What we spent", "Cost so far", "Asked: the-boss"):
        assert said in shown
