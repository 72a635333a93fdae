"""Saved Prefect blocks by name: whether there is one, and one itself, with errors that quote none of its values."""

from typing import TypeVar

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from blocks.errors import OperatorError

BlockT = TypeVar("BlockT", bound=Block)


async def is_saved(block: type[Block], name: str) -> bool:
    """Whether a block of this type and name is saved on the Prefect server."""
    async with get_client() as client:
        try:
            await client.read_block_document_by_name(name, block.get_block_type_slug())
        except ObjectNotFound:
            return False
    return True


async def load_saved(block: type[BlockT], name: str) -> BlockT | None:
    """The saved block of this type and name, if there is one.

    Raises:
        OperatorError: it is there and its values cannot be used.
    """
    try:
        return await block.aload(name)
    except (RuntimeError, ValueError) as error:  # Prefect 3.8 raises a RuntimeError from the ValidationError
        if isinstance(error.__cause__, ObjectNotFound):
            return None
        # Raised anew below and without a cause, because what it refused may have a key in it.
        refused = error.__cause__ if isinstance(error, RuntimeError) else error
        details = refused.errors() if isinstance(refused, ValidationError) else []
        # What is wrong with the block as a whole has no place.
        wrong = sorted({str(each["loc"][0]) if each["loc"] else each["msg"] for each in details})
    raise OperatorError(
        f"{block.get_block_type_slug().replace('-', ' ')} block {name!r} cannot be used",
        means=f"wrong or missing: {', '.join(wrong)}" if wrong else "it cannot be loaded",
        mend="mend the block in Prefect",
    )
