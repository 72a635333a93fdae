"""New names for tables and columns, drawn from a seeded generator in several styles; no list could foresee them."""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from re import findall

from blocks.schemas.snapshot import Dialect


class Names:
    """New names, none of them given twice or there before."""

    def __init__(self, random: Random, dialect: Dialect, taken: Iterable[str]) -> None:
        self._random = random
        self._dialect = dialect
        self._given: set[str] = set()
        self._taken = {name.casefold() for name in taken}

    def new(self, old: str) -> str:
        """In any style, so perhaps with nothing of the old name in it."""
        return self._first_free(old, [self._abbreviated, self._affixed, self._restyled, self._pair, self._word])

    def similar(self, old: str) -> str:
        """One that a person would take for the old name."""
        return self._first_free(old, [self._abbreviated, self._affixed, self._affixed, self._restyled])

    def word(self) -> str:
        """A word of no language."""
        return self._first_free("", [self._word])

    def _first_free(self, old: str, styles: Sequence[Callable[[str], str]]) -> str:
        while True:
            name = self._random.choice(styles)(old)
            # Only PostgreSQL tells names apart that differ in case.
            other_case = self._dialect == "postgresql" and name != old and name.casefold() == old.casefold()
            if name and name not in self._given and (other_case or name.casefold() not in self._taken):
                self._given.add(name)
                self._taken.add(name.casefold())
                return name

    def _letters(self, least: int, most: int) -> str:
        return "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz", k=self._random.randint(least, most)))

    def _word(self, old: str) -> str:
        syllables = (self._random.choice("bdfgklmnprstvz") + self._random.choice("aeiou") for _ in range(3))
        return "".join(syllables).capitalize()

    def _pair(self, old: str) -> str:
        return self._random.choice(("{}{}", "{}_{}")).format(self._word(old), self._word(old))

    def _affixed(self, old: str) -> str:
        return self._random.choice(("{0}_{1}", "{1}_{0}", "{0}{1}")).format(old, self._letters(1, 4))

    def _abbreviated(self, old: str) -> str:
        first, rest = old[:1], old[1:]
        kept = "".join(letter for letter in rest if letter not in "aeiou")
        return (first + kept)[: self._random.randint(3, 12)]

    def _restyled(self, old: str) -> str:
        words = findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", old)
        lower = [word.lower() for word in words]
        camel = "".join([*lower[:1], *(word.capitalize() for word in lower[1:])])
        return self._random.choice(("_".join(lower), "_".join(lower).upper(), " ".join(words), "-".join(lower), camel))
