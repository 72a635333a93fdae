"""A headless Chromium, Debian's, for tests that look at a page as a person would; skips where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

# The last six keep it from looking for hosts outside; as root it does not start without --no-sandbox.
_ARGUMENTS = (
    "--headless=new",
    "--window-size=1400,1000",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--force-prefers-reduced-motion",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)


@contextmanager
def chromium(profile: Path) -> Iterator[Chrome]:
    """The browser, with everything that it keeps under `profile`."""
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("no Chromium with its driver here (Debian: chromium, chromium-driver)")
    options = ChromeOptions()
    options.binary_location = browser
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    page = Chrome(options=options, service=Service(driver))
    try:
        yield page
    finally:
        page.quit()
