"""What a person is told about a gate: the words of a message, on every channel the same."""

from shlex import quote
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from blocks.channels.message import Message
from blocks.ledger import GateState
from blocks.people.person import Person


def message_for(state: GateState, person: Person, occasion: str, code: str, url: str) -> Message:
    """The message to the person on that occasion; `url` is the run's page, empty where there is none."""
    gate = state.gate
    what, _, _ = occasion.partition("-")
    subject = {
        "asked": f"Please decide: {gate.title}",
        "reminder": f"Reminder, please decide: {gate.title}",
        "refused": f"An answer was refused: {gate.title}",
    }[what]
    until = f"{gate.closes_at.astimezone(ZoneInfo(person.time_zone)):%A, %d %B, %H:%M %Z}"
    why = next((ask.why for ask in state.asks if ask.person == person.name and ask.why), "")
    lines = [
        f"{gate.title} waits for a decision until {until}." + (f" You are asked {why}." if why else ""),
        *_refused(what),
        "",
        f"Your code: {code}",
        "It proves that a decision is yours; give it to nobody.",
        "",
        *([f"Decide in Prefect (Resume): {link(url, code)}"] if url else []),
        f"Or in a terminal: holdfast approve {gate.run_id} --gate {gate.gate} --as {quote(person.name)}",
        "",
        gate.summary,
    ]
    key = ".".join((str(gate.run_id), gate.gate, _word(person.name), occasion))
    return Message(subject, "\n".join(lines), key)


def link(url: str, code: str) -> str:
    """The run's page, signed for the person who has that code: behind a #, which browsers send to no server's log."""
    return f"{url}#{urlencode({'code': code})}"


def _refused(what: str) -> list[str]:
    if what != "refused":
        return []
    return ["", "Somebody gave an answer that did not count: its code was missing, wrong, used, or another person's.",
            "If it was not you, tell whoever runs Holdfast. The gate is still open."]  # fmt: skip


def _word(text: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text.casefold())
