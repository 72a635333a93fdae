"""What a vendor of the sample company is, and how it changes over the months."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from blocks.samples.calendar import MONTHS

Size = Literal["large", "medium", "small"]

_CHANGE_MONTHS = 6
_PRICE_MONTHS = 12
_ORDERS_A_MONTH: Mapping[Size, int] = {"large": 46, "medium": 20, "small": 10}


class Item(NamedTuple):
    """What is ordered: its list price in cents at the start, and a usual quantity."""

    name: str
    cents: int
    lot: int


@dataclass(frozen=True)
class Profile:
    """How a vendor behaves; the `_now` figures are reached step by step over the last six months."""

    late_share: float
    late_share_now: float
    defect_share: float
    defect_share_now: float
    mean_delay_days: float = 4.0
    price_rise: float = 0.02
    """By how much its prices rose over the last twelve months."""
    cause: str = ""
    """Why it is late, as its reviews tell it; empty: there is nothing to tell."""
    remedy: str = ""

    def late_share_in(self, month: int) -> float:
        """The share of deliveries that are late in the month with this index."""
        return _change(self.late_share, self.late_share_now, month, _CHANGE_MONTHS)

    def defect_share_in(self, month: int) -> float:
        """The share of delivered pieces that are rejected in the month with this index."""
        return _change(self.defect_share, self.defect_share_now, month, _CHANGE_MONTHS)

    def price_factor_in(self, month: int) -> float:
        """The prices in the month with this index, as a multiple of the oldest ones."""
        return 1.0 + _change(0.0, self.price_rise, month, _PRICE_MONTHS)


def _change(before: float, after: float, month: int, over: int) -> float:
    done = max(0, min(over, month - (MONTHS - 1 - over)))
    return before + (after - before) * done / over


@dataclass(frozen=True)
class Vendor:
    """A vendor as procurement and finance know it, and the profile that nobody wrote down."""

    vendor_id: int
    name: str
    category: str
    country: str
    size: Size
    account_manager: str
    preferred: bool
    items: tuple[Item, ...]
    """What it sells."""
    profile: Profile

    @property
    def slug(self) -> str:
        """The name in file names."""
        return "-".join("".join(c if c.isalnum() else " " for c in self.name.lower()).split())

    @property
    def orders_a_month(self) -> int:
        """How many deliveries are due in a usual month."""
        return _ORDERS_A_MONTH[self.size]
