"""Prompts by name and version, which the ledger keeps with each call, and the one that asks again."""

from dataclasses import dataclass

from blocks.models.calls import Message


@dataclass(frozen=True)
class Prompt:
    """A prompt's fixed words, for the system's turn."""

    name: str
    version: int
    text: str

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


CORRECT = Prompt(
    "correct",
    1,
    "That answer cannot be used: {problem}\nAnswer the same task again, with JSON of the given schema only.",
)


def correction(answer: str, problem: str) -> tuple[Message, ...]:
    """What follows an answer of the wrong shape."""
    # An empty turn is refused by some providers; a runaway answer would cost its length again.
    return Message("assistant", answer[:4000] or "(empty)"), Message("user", CORRECT.text.format(problem=problem))
