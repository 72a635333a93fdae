"""One-time codes: what only the person who was asked can know, so that a decision proves who made it.

A code is an HMAC-SHA-256 (RFC 2104) of the run, the gate and the person, cut to 80 bits and written in Crockford's
base 32. It can be made again for a reminder, so nothing secret is kept in the ledger. The key belongs to Holdfast and
never to Prefect: whoever can reach the Prefect API could read it there.
"""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from pydantic import SecretStr

from blocks.errors import OperatorError
from blocks.settings import HoldfastSettings

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH, _GROUP = 16, 4
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


class CodeMaker:
    """Makes codes with one key; `fingerprint` tells that key from others and nothing else of it."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.fingerprint = sha256(b"fingerprint" + key).hexdigest()[:12]

    def code(self, run_id: UUID, gate: str, person: str) -> str:
        """The code with which that person proves a decision at that gate, such as 7QK2-9M4X-0C8D-VW31."""
        said = "\0".join((str(run_id), gate, person.casefold())).encode()
        number = int.from_bytes(hmac.digest(self._key, said, sha256)[:10])
        letters = "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))
        return "-".join(letters[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))


def as_typed(text: str) -> str:
    """The code in what a person typed or pasted: the code itself in any case and grouping, or a link that has it."""
    typed = text.strip()
    if "://" in typed:
        try:
            typed = next(iter(parse_qs(urlsplit(typed).fragment).get("code", [])), "")
        except ValueError:  # it only looks like a link
            typed = ""
    letters = typed.upper().translate(_READ_AS)
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def is_code(typed: str, code: str) -> bool:
    """Whether what was typed is that code; it takes as long for a wrong one."""
    return hmac.compare_digest(as_typed(typed).encode(errors="replace"), code.encode())


def code_maker(settings: HoldfastSettings) -> CodeMaker:
    """Makes codes with HOLDFAST_SIGNING_KEY, else with the key in the home folder, which is made at first use.

    Raises:
        OperatorError: the key is too short, or its file cannot be written or read.
    """
    if settings.signing_key is not None:
        return CodeMaker(_long_enough(settings.signing_key))
    path = settings.home / "signing.key"
    try:
        return CodeMaker(_kept_in(path))
    except OSError as error:
        raise OperatorError(
            f"the key that codes are made with cannot be kept in {path}: {error.strerror}",
            mend="mend the folder's permissions, or set HOLDFAST_SIGNING_KEY",
        ) from error


def _long_enough(key: SecretStr) -> bytes:
    value = key.get_secret_value().encode()
    if len(value) < 32:
        raise OperatorError("HOLDFAST_SIGNING_KEY is shorter than 32 characters", mend="set a long random one")
    return value


def _kept_in(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and linked, so that of processes that start at once all read the whole key of the first.
        aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(aside, path)
        except FileExistsError:
            return path.read_bytes()
        finally:
            aside.unlink()
    return path.read_bytes()
