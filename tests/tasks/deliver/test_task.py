"""Delivering once: what stands at the place and in the ledger after each order of crash and restart."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from blocks.errors import AuthorError, DeliveryRefused
from blocks.folders import digest, stored_digest
from blocks.ledger import Ledger
from tasks.context import utc_now
from tasks.outcome import Gap, Outcome
from tests.blocks.ledger_rows import NOON
from tests.tasks.deliver.starting import Delivering, written


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Delivering]:
    async with Ledger.open(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}") as ledger:
        yield Delivering(ledger, tmp_path)


async def test_a_delivery_leaves_the_text_at_its_place_and_a_receipt_in_the_ledger(run: Delivering) -> None:
    gap = Gap(node="stock", reason="the store is down", since=utc_now())
    outcome = await run.again("{{ month }}/report.md", inputs={"month": "2026-10"}, stock=Outcome(gaps=(gap,)))

    place, row = run.place("2026-10/report.md"), (await run.rows())["report.md"]
    assert place.read_text() == run.whole("# Report")
    assert outcome.fields == {"delivered": [str(place)]}
    assert (outcome.gaps, outcome.evidence) == ((gap,), (f"delivered {place}",))
    assert (row.outcome, row.intent_at, row.receipt_at) == ("delivered", NOON, NOON)
    assert row.receipt == {"wrote": str(place), "bytes": len(run.whole("# Report"))}
    assert row.sha256 == await stored_digest(str(place))


async def test_who_decided_and_what_the_run_must_say_stand_under_the_text(run: Delivering) -> None:
    approval = Outcome(fields={"decision": "approve"}, evidence=("sign-off: approve by Ada (terminal)",))
    await run.again(notes=("Sample data, not your company's: finance.",), sign_off=approval)

    under = run.place().read_text().partition("---")[2].strip().splitlines()
    assert under == [
        "sign-off: approve by Ada (terminal)",
        "Sample data, not your company's: finance.",
        f"Run {run.run_id} of scorecard.",
    ]


async def test_the_intent_is_in_the_ledger_before_anything_is_written(run: Delivering) -> None:
    (run.folder / "out").write_text("a file where the folder should be")

    with pytest.raises(DeliveryRefused, match="cannot be written"):
        await run.again()

    row = (await run.rows())["report.md"]
    assert (row.outcome, row.receipt_at) == ("failed", None)
    assert "cannot be written" in (row.error or "")


async def test_a_delivery_that_failed_is_made_by_the_next_start(run: Delivering) -> None:
    (run.folder / "out").write_text("a file where the folder should be")
    with pytest.raises(DeliveryRefused):
        await run.again(text="# First")
    (run.folder / "out").unlink()

    await run.again(text="# Second")

    row = (await run.rows())["report.md"]
    assert run.place().read_text() == run.whole("# Second")
    assert (row.outcome, row.error, row.sha256) == ("delivered", None, digest(run.whole("# Second")))


async def test_a_delivery_with_a_receipt_is_not_made_again(run: Delivering) -> None:
    await run.again()
    first = written(run.place())

    outcome = await run.again()

    assert written(run.place()) == first
    assert outcome.gaps == ()
    assert outcome.fields == {"delivered": [str(run.place())]}


async def test_a_start_that_has_another_text_says_that_the_first_one_stays(run: Delivering) -> None:
    await run.again(text="# First")
    first = written(run.place())

    outcome = await run.again(text="# Second")

    assert written(run.place()) == first
    assert [(gap.node, gap.since) for gap in outcome.gaps] == [("publish", NOON)]
    assert outcome.gaps[0].reason.startswith(f"{run.place()} has the text of an earlier start of this run")


async def test_a_text_that_is_there_after_a_crash_is_confirmed_and_not_written_again(run: Delivering) -> None:
    await run.cut_off("# Report")
    first = written(run.put(run.whole("# Report")))

    outcome = await run.again(text="# Report")

    row = (await run.rows())["report.md"]
    assert written(run.place()) == first
    assert (row.outcome, row.receipt) == ("delivered", {"found": str(run.place())})
    assert outcome.gaps == ()


@pytest.mark.parametrize("text", ["# Report", "# Another, as a source is back"])
async def test_where_nothing_is_after_a_crash_the_text_is_written_once(run: Delivering, text: str) -> None:
    await run.cut_off("# Report")

    await run.again(text=text)
    first = written(run.place())
    await run.again(text=text)

    row = (await run.rows())["report.md"]
    assert run.place().read_text() == run.whole(text)
    assert written(run.place()) == first
    assert (row.outcome, row.sha256) == ("delivered", digest(run.whole(text)))


@pytest.mark.parametrize(
    ("there", "now"),
    [
        ("an older or a newer document", "# Report"),
        ("an older or a newer document", "# Another"),
        ("", "# Report"),
        ("# Report", "# Another"),
        ("# Another", "# Another"),
    ],
)
async def test_another_text_that_is_there_after_a_crash_is_left_and_surfaced(
    run: Delivering, there: str, now: str
) -> None:
    await run.cut_off("# Report")
    place = run.put(run.whole(there) if there.startswith("#") else there)
    first = written(place)

    for _ in range(2):
        with pytest.raises(DeliveryRefused, match="was cut off, and another text is there"):
            await run.again(text=now)

    row = (await run.rows())["report.md"]
    assert written(place) == first
    assert (row.outcome, row.receipt_at) == ("intended", None)


async def test_a_person_who_removes_the_other_text_lets_the_run_go_on(run: Delivering) -> None:
    await run.cut_off("# Report")
    run.put("another document")
    with pytest.raises(DeliveryRefused):
        await run.again()
    run.place().unlink()

    await run.again()

    assert run.place().read_text() == run.whole("# Report")


async def test_an_older_document_is_replaced_where_no_try_was_cut_off(run: Delivering) -> None:
    run.put("the report of an earlier run")

    await run.again()

    assert run.place().read_text() == run.whole("# Report")


async def test_a_target_that_fails_does_not_repeat_those_before_it(run: Delivering) -> None:
    blocked = run.put("a file where a folder should be", "blocked")
    with pytest.raises(DeliveryRefused):
        await run.again("one.md", "blocked/two.md", "three.md")
    first, failed = written(run.place("one.md")), await run.rows()
    blocked.unlink()

    await run.again("one.md", "blocked/two.md", "three.md")

    assert {name: row.outcome for name, row in failed.items()} == {"one.md": "delivered", "two.md": "failed"}
    assert written(run.place("one.md")) == first
    assert {row.outcome for row in (await run.rows()).values()} == {"delivered"}
    assert run.place("blocked/two.md").is_file()
    assert run.place("three.md").is_file()


async def test_a_url_is_delivered_to_as_it_is(run: Delivering) -> None:
    place = f"memory://{uuid4().hex}/report.md"

    await run.again(place)

    assert await stored_digest(place) == digest(run.whole("# Report"))


@pytest.mark.parametrize("name", ["../out", "/etc/holdfast", "file:///tmp/holdfast", "memory://elsewhere"])
async def test_an_input_cannot_lead_a_delivery_out_of_its_folder(run: Delivering, name: str) -> None:
    with pytest.raises(DeliveryRefused):
        await run.again("good.md", "{{ name }}.md", inputs={"name": name})

    assert await run.rows() == {}, "nothing is delivered where one target is refused"


async def test_an_empty_text_is_not_delivered(run: Delivering) -> None:
    with pytest.raises(AuthorError, match="node 'publish' has no text to deliver"):
        await run.again(text="")

    assert await run.rows() == {}


async def test_why_nobody_need_confirm_what_goes_outside_is_kept_with_the_run(run: Delivering) -> None:
    nobody = {"confirm": "none", "because": "the figures are public"}
    with pytest.raises(DeliveryRefused):
        await run.again("ftp://127.0.0.1:9/report.md", settings=nobody)
    await run.again("report.md", settings=nobody)

    events = await run.ledger.gates.events(run.run_id)
    assert [(event.what, event.gate, event.detail) for event in events] == [
        ("unconfirmed", "publish", "the figures are public")
    ]
