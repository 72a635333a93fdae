"""Opens a saved service by its name."""

from blocks.errors import ServiceUnknown
from blocks.ledger import ServiceBook
from blocks.saved import load_saved
from blocks.services.client import ServiceClient
from blocks.services.service import Service


async def open_service(name: str, book: ServiceBook) -> ServiceClient:
    """The client of the Service block of that name.

    Raises:
        ServiceUnknown: there is no such block.
        OperatorError: its values cannot be used.
    """
    service = await load_saved(Service, name)
    if service is None:
        raise ServiceUnknown(
            f"there is no service {name!r}",
            means="no Service block of that name is saved",
            mend="save one in Prefect, on the page Blocks",
        )
    return ServiceClient(name, service, book)
