"""Artifacts: their keys, and what becomes of one that cannot be written."""

import logging

import pytest

from tasks.artifacts import artifact_key, show


@pytest.mark.parametrize(
    ("parts", "key"),
    [(("Vendors 2026", "spend_by_vendor", "drift"), "vendors-2026-spend-by-vendor-drift"), (("ü", "!"), "artifact")],
)
def test_a_key_has_only_what_prefect_takes(parts: tuple[str, ...], key: str) -> None:
    assert artifact_key(*parts) == key


async def test_an_artifact_that_cannot_be_written_costs_nothing_but_a_line_in_the_log() -> None:
    written, lines = list[str](), list[str]()

    async def refused() -> None:
        raise OSError("the server is away")

    async def good() -> None:
        written.append("good")

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler, log = Lines(), logging.getLogger("prefect.holdfast")
    log.addHandler(handler)
    await show(refused(), good())
    log.removeHandler(handler)

    assert written == ["good"]
    assert lines == ["an artifact is missing in the Prefect UI: the server is away"]
