"""Opens the doors of a deliver node: which place each of its targets means in this run."""

from typing import assert_never

from blocks.errors import DeliveryRefused
from blocks.folders import place_of
from tasks.context import current_run
from tasks.deliver.doors.document import DocumentDoor
from tasks.deliver.doors.door import Door
from tasks.deliver.doors.drive import DriveDoor
from tasks.deliver.doors.github import GithubDoor
from tasks.deliver.doors.jira import JiraDoor
from tasks.deliver.doors.mail import MailDoor, addresses_of
from tasks.deliver.doors.slack import SlackDoor
from tasks.deliver.node import (
    AnyTarget,
    DeliverNode,
    DocumentTarget,
    DriveTarget,
    EmailTarget,
    GithubTarget,
    JiraTarget,
    SlackTarget,
)
from tasks.node_task import step_end
from tasks.outcome import Scope
from tasks.request.calling import asking, service_client
from tasks.templates import render

MAIL_SECONDS = 20.0


async def doors_of(node: DeliverNode, scope: Scope) -> list[Door]:
    """Every place that the node delivers to, in order.

    Raises:
        DeliveryRefused: one of them cannot be meant.
        ServiceUnknown, OperatorError: a service or the directory cannot be used.
    """
    return [door for target in node.to for door in await _doors(node, target, scope)]


async def _doors(node: DeliverNode, target: AnyTarget, scope: Scope) -> list[Door]:
    if isinstance(target, DocumentTarget):
        return [DocumentDoor(_document(target, scope))]
    if isinstance(target, EmailTarget):
        addresses = await addresses_of(render(target.email, scope))
        return [MailDoor(address, render(target.subject, scope), MAIL_SECONDS) for address in addresses]
    client = await service_client(target.service)
    ask = asking(client, node.id, f"deliver to {target.service}", step_end(node))
    match target:
        case SlackTarget():
            channel = render(target.slack, scope)
            return [SlackDoor(ask, target.service, client.service.address, channel, target.as_file)]
        case JiraTarget():
            return [JiraDoor(ask, target.service, render(target.jira, scope))]
        case GithubTarget():
            return [GithubDoor(ask, target.service, render(target.github, scope), render(target.title, scope))]
        case DriveTarget():
            return [DriveDoor(ask, target.service, render(target.drive, scope), render(target.folder, scope))]
        case _:
            assert_never(target)


def _document(target: DocumentTarget, scope: Scope) -> str:
    path = render(target.documents, scope)
    if "://" in path and "://" not in target.documents:
        # Who starts a run chooses its inputs; where it may write is the definition's to say.
        raise DeliveryRefused(f"{path!r} became a URL by its values", mend="write the protocol in the definition")
    return place_of(current_run().settings.deliveries_root, path)
