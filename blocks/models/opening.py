"""The way from a team to its models: which saved block serves it, and the client that asks through that block."""

from prefect.exceptions import ObjectNotFound
from pydantic import ValidationError

from blocks.errors import OperatorError
from blocks.models.calls import ModelClient
from blocks.models.provider import ModelProvider

DEFAULT_BLOCK = "default"
"""The block that serves teams without one of their own."""


async def open_model(team: str) -> ModelClient | None:
    """The client of the saved block named after the team, else of the one named `default`; None: there is neither.

    None means that the offline model is to answer.

    Raises:
        OperatorError: the block is there and its values cannot be used.
    """
    found = await find_provider(team)
    if found is None:
        return None
    from blocks.models.client import client_for  # openai takes a second to import, and nobody works offline with it

    return client_for(found[1], team, block=found[0])


async def find_provider(team: str) -> tuple[str, ModelProvider] | None:
    """The saved block named after the team, else the one named `default`, with its name; None: there is neither.

    Raises:
        OperatorError: the block is there and its values cannot be used.
    """
    for name in dict.fromkeys((team, DEFAULT_BLOCK)):
        if (provider := await _load(name)) is not None:
            return name, provider
    return None


async def _load(name: str) -> ModelProvider | None:
    try:
        return await ModelProvider.aload(name)
    except (RuntimeError, ValueError) as error:  # Prefect 3.8 raises a RuntimeError from the ValidationError
        if isinstance(error.__cause__, ObjectNotFound):
            return None
        # Raised anew below and without a cause, because what it refused may have the key in it.
        refused = error.__cause__ if isinstance(error, RuntimeError) else error
        details = refused.errors() if isinstance(refused, ValidationError) else []
        wrong = sorted({str(each["loc"][0]) for each in details})
    raise OperatorError(
        f"model provider block {name!r} cannot be used",
        means=f"wrong or missing: {', '.join(wrong)}" if wrong else "it cannot be loaded",
        mend="mend the block in Prefect",
    )
