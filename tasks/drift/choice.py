"""What drift may mean to a saved query."""

from typing import Literal

OnDrift = Literal["repair", "approve", "fail"]
