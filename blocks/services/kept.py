"""Reads that are repeated are asked for by their ETag: what has not changed is not sent again (RFC 9110, 13.1.2)."""

import json
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from blocks.ledger import ServiceAnswerRow, ServiceBook
from blocks.services.call import Answer, Call
from blocks.services.service import Service

MOST_BYTES = 1_000_000
"""Longer answers are not kept."""
_NEXT = "holdfast-next"


async def kept_answer(book: ServiceBook, service: Service, call: Call) -> Answer | None:
    """The answer that was kept of the same read, with its ETag among its headers."""
    if not _is_kept(service, call):
        return None
    kept = await book.answer(_key(service, call))
    if kept is None:
        return None
    headers = {**kept.headers, "etag": kept.etag}
    return Answer(200, headers, json.loads(kept.body), headers.pop(_NEXT, ""), not_modified=True)


def with_etag(call: Call, kept: Answer | None) -> Call:
    """The call, asking only for what differs from what was kept."""
    return replace(call, headers={**call.headers, "If-None-Match": kept.headers["etag"]}) if kept else call


async def keep_answer(
    book: ServiceBook, service: Service, call: Call, answer: Answer, content: bytes, at: datetime
) -> None:
    """Keeps an answer that has an ETag, unless it must not be stored (RFC 9111, 5.2.2.5)."""
    etag = answer.headers.get("etag", "")
    may_not = "no-store" in answer.headers.get("cache-control", "").lower() or len(content) > MOST_BYTES
    if not _is_kept(service, call) or answer.status != 200 or not etag or may_not:
        return
    headers = {_NEXT: answer.next_url} if answer.next_url else {}
    await book.keep(ServiceAnswerRow(_key(service, call), etag, headers, json.dumps(answer.body), at))


def _is_kept(service: Service, call: Call) -> bool:
    return call.method == "GET" and service.api.etags


def _key(service: Service, call: Call) -> str:
    """A digest of who asks, and for what."""
    asked = [service.credential, service.address, call.path, sorted(map(repr, call.params.items())), dict(call.headers)]
    return sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
