"""Asks a service: within its limits, again where that can help, and never with our credentials at another host.

Belongs to one event loop. Checked 2026-11 on httpx 0.28: it follows no redirect unless told to.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import anyio
import httpx
from pydantic import JsonValue
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

from blocks.errors import HoldfastError, RequestRefused, ServiceUnavailable
from blocks.ledger import ServiceBook
from blocks.services.auth import Header, credentials_of
from blocks.services.call import Answer, Call, Trace
from blocks.services.kept import keep_answer, kept_answer, with_etag
from blocks.services.limits import Limit, limit_of
from blocks.services.presets import limit_name
from blocks.services.reading import failure_of, is_refusal, json_of, read_bounded
from blocks.services.secrets import Secrets
from blocks.services.service import Service
from blocks.services.tokens import too_late
from blocks.services.turns import Health, Turns
from blocks.tls import tls_context

TRIES = 4
"""How often a request is made that fails for a reason which may pass; refusals because of a limit do not count."""
MOST_REDIRECTS = 5
_BACKOFF = wait_random_exponential(multiplier=1, max=8)
"""From 0 to 1, 2, 4, 8 s: full jitter."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class ServiceClient:
    """Asks one service; keeps connections, and a token that it got, from call to call."""

    def __init__(
        self, name: str, service: Service, book: ServiceBook, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Raises CredentialsRefused where a key in the block cannot be read."""
        self.name, self.service = name, service
        self._book, self._now = book, now
        self._turns = Turns(name, service, book, now)
        self._secrets = Secrets(*service.secrets)
        self._credentials = credentials_of(service, name, self._secrets, book, now)
        self._slots: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(service.concurrency))
        self._http = httpx.AsyncClient(verify=tls_context(), headers={"User-Agent": "holdfast", **service.api.headers})

    async def send(self, call: Call, until: float, trace: Trace) -> Answer:
        """The service's answer; `until` is in the event loop's time.

        Raises:
            ServiceLimited, ServiceResting: it is at its limit or left alone for longer than that.
            ServiceUnavailable: it is down or too slow, also after some tries; `may_be_done` where a write may be.
            CredentialsRefused: it does not know us, or we may not.
            RequestRefused: the request is wrong, or its answer cannot be used.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: _may_help(call, self.service, error)),
            wait=_wait,
            # A wait that would outlast the node is not begun.
            stop=stop_after_attempt(TRIES) | stop_before_delay(max(0.0, until - _time())),
            before_sleep=lambda state: _count_wait(state, trace),
            sleep=asyncio.sleep,
            reraise=True,
        )
        return await retrying(self._taken, call, until, trace)

    async def aclose(self) -> None:
        """Closes its connections, once a token that is being renewed is there."""
        await self._credentials.aclose()
        await self._http.aclose()

    async def _taken(self, call: Call, until: float, trace: Trace) -> Answer:
        """The answer to one try, which is made again as long as a limit refuses it, or a token that can be renewed."""
        limit = self._limit_of(call)
        may_renew = True
        async with self._slot(limit, until):
            while True:
                header = await self._who_we_are(until, trace)
                async with self._turns.health(until, trace) as health:
                    answer = await self._one(call, header, limit, until, trace, health, may_renew=may_renew)
                if isinstance(answer, Answer):
                    return answer
                if answer == "renew":
                    may_renew = False
                    trace.attempts -= 1  # that a token has its time is no failure

    @asynccontextmanager
    async def _slot(self, limit: str, until: float) -> AsyncIterator[None]:
        """One of the requests that this process may have under way."""
        slots = self._slots[limit]
        try:
            async with asyncio.timeout_at(until):
                await slots.acquire()
        except TimeoutError:
            raise self._turns.too_late() from None
        try:
            yield
        finally:
            slots.release()

    async def _who_we_are(self, until: float, trace: Trace) -> Header | None:
        try:
            async with asyncio.timeout_at(until):
                return await self._credentials.header(lambda request: self._http.send(request, stream=True))
        except ServiceUnavailable:
            trace.attempts += 1  # a try that did not come to its request
            raise
        except TimeoutError:
            trace.attempts += 1
            raise too_late(self.name) from None

    async def _one(
        self,
        call: Call,
        header: Header | None,
        limit: str,
        until: float,
        trace: Trace,
        health: Health,
        *,
        may_renew: bool,
    ) -> Answer | Literal["limited", "renew"]:
        """The answer to one request, or why it was refused and is to be made again."""
        kept = await kept_answer(self._book, self.service, call)
        turn = await self._turns.turn(limit, until, trace)
        said, refused = Limit(), False
        trace.attempts += 1
        try:
            response, content = await self._exchange(with_etag(call, kept), header, until, health)
            trace.status, health.answered = response.status_code, True
            body, is_json = json_of(content, response.headers.get("content-type", ""))
            headers = {name.lower(): value for name, value in response.headers.items()}
            refused = is_refusal(self.service.api, response.status_code, headers, body)
            said = limit_of(headers, self._now())
            if said.lie and said.lie not in trace.notes:
                trace.notes.append(said.lie)
        finally:
            # Whatever came of it, the turn was used.
            with anyio.CancelScope(shield=True):
                await self._turns.answered(limit, turn, said, refused=refused)
        if refused:
            return "limited"
        if response.status_code == 401 and may_renew and self._credentials.was_refused(header):
            return "renew"
        if response.status_code != 401:
            self._credentials.worked(header)
        if response.status_code == 304 and kept is not None:
            return kept
        failure = self._failure(call, response.status_code, body, is_json=is_json)
        if isinstance(failure, ServiceUnavailable):
            health.failure, failure.retry_after_seconds = failure.what, said.wait_seconds
        if failure is not None:
            raise failure
        answer = Answer(response.status_code, headers, body, _next_url(response))
        await keep_answer(self._book, self.service, call, answer, content, self._now())
        return answer

    def _failure(self, call: Call, status: int, body: JsonValue, *, is_json: bool) -> HoldfastError | None:
        """What the answer means, if it is not well."""
        hidden = self._secrets.hidden
        failure = failure_of(self.service.api, self.name, status, body, is_json=is_json, hidden=hidden)
        if isinstance(failure, ServiceUnavailable):
            failure.may_be_done = not call.is_safe
        return failure

    async def _exchange(
        self, call: Call, header: Header | None, until: float, health: Health
    ) -> tuple[httpx.Response, bytes]:
        """The answer and its body, after redirects within the service's own host."""
        url, failure = self._url(call), ServiceUnavailable("")
        try:
            async with asyncio.timeout_at(until):
                for _ in range(MOST_REDIRECTS + 1):
                    response, content = await self._request(call, url, header)
                    if not response.has_redirect_location:
                        return response, content
                    url = self._where_to(call, response)
                raise RequestRefused(f"service {self.name!r} redirects again and again, at last to {url.path}")
        except TimeoutError:
            failure = ServiceUnavailable(f"service {self.name!r} did not answer in time")
            failure.may_be_done = not call.is_safe
        except httpx.HTTPError as error:
            # Not what it says: that may quote a header, and the token is in one.
            failure = ServiceUnavailable(f"service {self.name!r} does not answer: {type(error).__name__}")
            failure.may_be_done = not call.is_safe and not isinstance(error, _NOT_SENT)
        # Raised here, so that it carries no trace of the request.
        health.failure = failure.what
        raise failure

    async def _request(self, call: Call, url: httpx.URL, header: Header | None) -> tuple[httpx.Response, bytes]:
        headers = dict(call.headers)
        if call.idempotency_key and self.service.idempotency_header:
            headers[self.service.idempotency_header] = call.idempotency_key
        request = self._http.build_request(
            call.method,
            url,
            json=call.json,
            content=call.content,
            data=dict(call.form) if call.form else None,
            headers=headers,
            timeout=None,  # the whole exchange has a bound
        )
        if header is not None:
            header.put_into(request)
        response = await self._http.send(request, stream=True)
        try:
            content = await read_bounded(response, int(self.service.most_megabytes * 1e6))
            return response, self._secrets.out_of(content)
        finally:
            await response.aclose()

    def _limit_of(self, call: Call) -> str:
        """The limit that the call counts against, by its path from the service's address on."""
        path = httpx.URL(call.path).path if call.path.startswith("http") else call.path
        return limit_name(self.service.api, path.removeprefix(urlsplit(self.service.address).path))

    def _url(self, call: Call) -> httpx.URL:
        if call.path.startswith("http"):
            url = httpx.URL(call.path)
            self._require_own(url, "names a next page at")
            return url
        url = httpx.URL(self.service.address + call.path)
        params = {name: value for name, value in call.params.items() if value is not None}
        return url.copy_merge_params(params) if params else url

    def _where_to(self, call: Call, response: httpx.Response) -> httpx.URL:
        target = response.url.join(response.headers["location"])
        self._require_own(target, "redirects to")
        if not call.is_safe:
            raise RequestRefused(
                f"service {self.name!r} redirects a {call.method} to {target.path}, which is not followed",
                mend="write that path into the definition",
            )
        return target

    def _require_own(self, url: httpx.URL, how: str) -> None:
        """Credentials are for the host that they were given for."""
        own = httpx.URL(self.service.address)
        if url.userinfo or _origin(own) != _origin(url):
            raise RequestRefused(
                f"service {self.name!r} {how} {url.scheme}://{url.netloc.decode()}, another host than "
                f"{own.scheme}://{own.netloc.decode()}",
                means="our credentials are not sent there",
                mend="write the right address into the Service block",
            )


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port (RFC 6454), the same however they are written."""
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _next_url(response: httpx.Response) -> str:
    """The address of the next page, by the Link header; one that is none leads nowhere."""
    url = response.links.get("next", {}).get("url", "")
    try:
        return str(response.url.join(url)) if url else ""
    except httpx.InvalidURL:
        return ""


def _time() -> float:
    return asyncio.get_running_loop().time()


def _may_help(call: Call, service: Service, error: BaseException) -> bool:
    """Whether another try may help, and does nothing twice."""
    if not isinstance(error, ServiceUnavailable) or not error.retryable:
        return False
    has_key = bool(call.idempotency_key and service.idempotency_header)
    return call.is_safe or call.method in ("PUT", "DELETE") or has_key or not error.may_be_done


def _wait(state: RetryCallState) -> float:
    """As long as the service asks for; else from 0 to 1, 2, 4, 8 s."""
    error = state.outcome.exception() if state.outcome else None
    asked_for = error.retry_after_seconds if isinstance(error, ServiceUnavailable) else None
    return _BACKOFF(state) if asked_for is None else asked_for


def _count_wait(state: RetryCallState, trace: Trace) -> None:
    trace.waited_seconds += state.next_action.sleep if state.next_action else 0.0
