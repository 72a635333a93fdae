"""How many calls a provider may have under way, over all runs: Prefect's global concurrency limits hold the count."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from prefect.client.orchestration import get_client
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError, concurrency
from prefect.exceptions import ObjectAlreadyExists

from blocks.errors import ModelUnavailable
from blocks.models.calls import ModelClient


def limit_name(provider: str) -> str:
    """The name of the provider's limit in Prefect, where its use can be watched."""
    return f"model-provider-{provider}"


async def set_limit(client: ModelClient) -> None:
    """Makes the provider's limit in Prefect what its block says."""
    if client.max_concurrency is None:
        return
    async with get_client() as prefect:
        with suppress(ObjectAlreadyExists):  # another run has just made it
            await prefect.upsert_global_concurrency_limit_by_name(limit_name(client.provider), client.max_concurrency)


@asynccontextmanager
async def slot(client: ModelClient, within_seconds: float) -> AsyncIterator[None]:
    """One of the provider's calls, held until the end of the block.

    Raises:
        ModelUnavailable: none was free within the time, or Prefect's server does not say.
    """
    async with AsyncExitStack() as held:
        if client.max_concurrency is not None:
            try:
                # Prefect's own timeout does not count the time behind others of this process.
                async with asyncio.timeout(within_seconds):
                    await held.enter_async_context(concurrency(limit_name(client.provider)))
            except ConcurrencySlotAcquisitionError as error:
                raise ModelUnavailable(
                    f"Prefect's server gives no slot of {limit_name(client.provider)!r}: {error}",
                    mend="look at its Concurrency page, or clear max_concurrency in the block",
                ) from error
            except TimeoutError:
                raise ModelUnavailable(
                    f"model provider {client.provider!r} has {client.max_concurrency} calls under way, "
                    f"and none ended within {within_seconds:.3g} s",
                    means="its max_concurrency allows no more",
                    mend="give the node more time, or raise max_concurrency in the block",
                ) from None
        yield
