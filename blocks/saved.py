"""Whether a Prefect block is saved, without loading it."""

from prefect.blocks.core import Block
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound


async def is_saved(block: type[Block], name: str) -> bool:
    """Whether a block of this type and name is saved on the Prefect server."""
    async with get_client() as client:
        try:
            await client.read_block_document_by_name(name, block.get_block_type_slug())
        except ObjectNotFound:
            return False
    return True
