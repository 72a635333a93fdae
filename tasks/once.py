"""By what an effect on the outside is known again, whichever node has it."""

from hashlib import sha256
from uuid import UUID


def key_of(run_id: UUID, node: str, place: str) -> str:
    """What a delivery or a write is known by at its place; the same for every try of it."""
    return f"holdfast-{sha256(f'{run_id}/{node}/{place}'.encode()).hexdigest()[:24]}"
