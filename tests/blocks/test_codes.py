"""Codes prove who decides: each fits one person at one gate of one run, and the key is nobody else's to read."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from blocks.codes import CodeMaker, as_typed, code_maker, is_code
from blocks.errors import OperatorError
from blocks.settings import HoldfastSettings

RUN = uuid4()
MAKER = CodeMaker(b"k" * 32)


def test_a_code_is_the_same_again_and_another_for_any_other_run_gate_person_or_key() -> None:
    code = MAKER.code(RUN, "sign-off", "alice")
    others = {
        MAKER.code(uuid4(), "sign-off", "alice"),
        MAKER.code(RUN, "sign", "off-alice"),
        MAKER.code(RUN, "sign-off", "bob"),
        CodeMaker(b"l" * 32).code(RUN, "sign-off", "alice"),
    }

    assert MAKER.code(RUN, "sign-off", "Alice") == code
    assert len(others | {code}) == 5


@pytest.mark.parametrize(
    "change",
    [
        str.lower,
        lambda code: f"  {code}\n",
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: code.replace("0", "O").replace("1", "l"),
        lambda code: f"http://127.0.0.1:4200/runs/flow-run/{RUN}#code={code}",
    ],
)
def test_a_code_is_read_however_a_person_gives_it(change: object) -> None:
    assert callable(change)
    for person in ("alice", "bob", "carol", "dora"):
        code = MAKER.code(RUN, "sign-off", person)
        assert is_code(change(code), code)


@pytest.mark.parametrize("typed", ["", "x", "http://127.0.0.1/", "http://[", "0000-0000-0000-0000", "ü", "\ud800"])
def test_what_is_not_the_code_is_not_taken_for_it(typed: str) -> None:
    assert not is_code(typed, MAKER.code(RUN, "sign-off", "alice"))
    assert as_typed("") == ""


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    settings = HoldfastSettings(home=tmp_path / "home")
    with ThreadPoolExecutor(8) as threads:
        prints = {maker.fingerprint for maker in threads.map(lambda _: code_maker(settings), range(32))}

    assert len(prints) == 1
    assert [each.name for each in (tmp_path / "home").iterdir()] == ["signing.key"]
    assert stat.S_IMODE((tmp_path / "home" / "signing.key").stat().st_mode) == 0o600


def test_a_key_of_the_environment_goes_first(tmp_path: Path) -> None:
    settings = HoldfastSettings(home=tmp_path, signing_key=SecretStr("s" * 32))

    assert code_maker(settings).fingerprint == CodeMaker(b"s" * 32).fingerprint
    assert not [*tmp_path.iterdir()]


def test_a_key_that_is_too_short_or_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OperatorError, match="shorter than 32"):
        code_maker(HoldfastSettings(signing_key=SecretStr("short")))
    with pytest.raises(OperatorError, match="cannot be kept in"):
        code_maker(HoldfastSettings(home=tmp_path / "file"))
