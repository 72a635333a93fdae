"""Things that are opened once: shared while they open, opened anew after a failure, ended together."""

import asyncio

import pytest

from blocks.opened import Opened


class Door:
    """Something to open, slowly enough that others come meanwhile; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.openings, self._failures = 0, failures

    async def open(self) -> str:
        self.openings += 1
        await asyncio.sleep(0.01)
        if self.openings <= self._failures:
            raise ConnectionError(f"opening {self.openings}")
        return f"opening {self.openings}"


async def test_all_who_ask_share_one_opening() -> None:
    opened, door = Opened[str](), Door()
    first = await asyncio.gather(*(opened.get("door", door.open) for _ in range(20)))

    assert {*first, await opened.get("door", door.open)} == {"opening 1"}


async def test_each_name_is_opened_for_itself() -> None:
    opened, one, other = Opened[str](), Door(), Door()
    await asyncio.gather(opened.get("one", one.open), opened.get("other", other.open))

    assert (one.openings, other.openings) == (1, 1)


async def test_a_failure_goes_to_all_who_wait_and_is_not_kept() -> None:
    opened, door = Opened[str](), Door(failures=1)
    failed = await asyncio.gather(*(opened.get("door", door.open) for _ in range(3)), return_exceptions=True)

    assert [str(each) for each in failed] == ["opening 1"] * 3
    assert await opened.get("door", door.open) == "opening 2"


async def test_who_gives_up_waiting_leaves_the_opening_to_the_others() -> None:
    opened, door = Opened[str](), Door()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await opened.get("door", door.open)

    assert await opened.get("door", door.open) == "opening 1"


async def test_what_was_begun_is_there_for_who_asks_later() -> None:
    opened, door = Opened[str](), Door()
    await asyncio.wait([opened.begin("door", door.open)])

    assert (await opened.get("door", door.open), door.openings) == ("opening 1", 1)


async def test_the_end_gives_back_what_was_opened_and_gives_up_the_rest() -> None:
    opened, quick, slow = Opened[str](), Door(), Door()
    await opened.get("quick", quick.open)
    late = opened.begin("slow", slow.open)

    assert await opened.end() == ["opening 1"]
    assert late.cancelled()


async def test_what_was_forgotten_while_it_opened_is_given_up_at_the_end_too() -> None:
    opened, slow = Opened[str](), Door()
    late = opened.begin("slow", slow.open)
    opened.forget()

    assert await opened.end() == []
    assert late.cancelled()
