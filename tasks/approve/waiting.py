"""Where a run waits at a gate: opens it, keeps it, and returns the decision that stands.

The recorded decision is read first and written before anything acts on it, so a run that is started again neither
asks twice nor acts on two answers, and its clock goes on from where it was opened. A timeout is a decision too. A run
that is suspended ends here and is started again by the decision; watch-approvals keeps the gate until then.
"""

import asyncio
from dataclasses import replace
from time import monotonic
from typing import Any

import httpx
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import Pause, PrefectHTTPStatusError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from blocks.errors import DecisionMissing, DecisionRefused, OperatorError
from blocks.ledger import DecisionRow, GateRow, GateState
from blocks.signed_in import signed_in_user
from tasks.approve import pause
from tasks.approve.deciding import Answer, decide, needs_code
from tasks.approve.desk import Desk, open_desk
from tasks.approve.form import NUDGE, answer_in, asked_line, form_for, summary
from tasks.approve.gate import Gate, terms_for
from tasks.approve.terms import editable_now, terms_of
from tasks.approve.work import work_on
from tasks.artifacts import artifact_key, show
from tasks.context import NodeEvent, Question, RunContext, run_logger
from tasks.models.opening import spent_so_far

LOOK_AGAIN_SECONDS = 60.0
"""How often a run that waits with its process reads the people and channels anew."""
POLL_SECONDS = 0.5
"""How often a run that waits with its process looks whether something is due, or was decided."""


async def decided(run: RunContext, gate: Gate) -> DecisionRow:
    """The decision that stands for this gate: an earlier one, one given with the run, or people's.

    Raises:
        DirectoryRefused: an approver is neither a person nor a role of the directory.
        DecisionMissing: the run was ended at the gate.
        Pause: the run is suspended, and ends until the decision starts it again.
    """
    gate = await _about_this(run, gate)
    decision = await run.ledger.decision(run.run_id, gate.id)
    if decision is None:
        desk = await pause.patiently(open_desk)(run.ledger, run.settings, run.now)
        wait = _Wait(run, gate, desk)
        decision = await wait.for_decision()
        run.schemas.forget()  # it may have waited for hours
    await run.ledger.gates.taken(run.run_id, gate.id, run.now())
    return decision


async def _about_this(run: RunContext, gate: Gate) -> Gate:
    """The gate, under another id where the one of its id was opened about something else: that was not approved."""
    earlier = await run.ledger.gates.state(run.run_id, gate.id)
    if earlier is None or earlier.gate.content == gate.content:
        return gate
    if earlier.gate.taken_at is None:
        changed = "what is to be approved has changed"
        await run.ledger.gates.add_event(run.run_id, gate.id, "abandoned", "", changed, run.now())
        await run.ledger.gates.taken(run.run_id, gate.id, run.now())
    return replace(gate, id=f"{gate.id}-{gate.content[:8]}")


class _Wait:
    """One run's wait at one gate."""

    def __init__(self, run: RunContext, gate: Gate, desk: Desk) -> None:
        self._run, self._gate, self._desk = run, gate, desk
        self._terms = terms_for(gate, desk.people)
        self._looked_at = monotonic()
        self._refusal = ""
        """Why the last answer did not count."""

    async def for_decision(self) -> DecisionRow:
        run, gate = self._run, self._gate
        if (decision := (await self._opened()).decision) is not None:
            return decision
        run.listener.on_event(NodeEvent(gate.node, "asking", detail=f"waiting for {', '.join(gate.approvers)}"))
        run.progress.waiting.add(gate.node)
        try:
            # Prefect holds one wait at a time per run; another gate of the run is kept meanwhile, too.
            while run.gate.locked():
                if (decision := (await self._kept()).decision) is not None:
                    return decision
                await asyncio.sleep(POLL_SECONDS)
            async with run.gate:
                if run.progress.suspended is not None:
                    raise run.progress.suspended
                return await self._hold()
        finally:
            run.progress.waiting.discard(gate.node)

    async def _opened(self) -> GateState:
        """The gate with its first opening's terms, and with the decision that came with the run."""
        run, gate = self._run, self._gate
        cost = await spent_so_far(run, await run.ledger.cost(run.run_id))
        opened_at = run.now()
        row = GateRow(
            run_id=run.run_id,
            gate=gate.id,
            node=gate.node,
            workflow=run.workflow,
            title=gate.title,
            content=gate.content,
            degraded=dict(run.progress.degraded),
            summary=summary(gate.title, gate.text, tuple(map(str, gate.gaps)), cost),
            terms=self._terms.model_dump(mode="json"),
            key_fingerprint=self._desk.codes.fingerprint if self._terms.wants_proof else "",
            opened_at=opened_at,
            closes_at=opened_at + gate.timeout,
        )
        state, new = await self._desk.gates.open(row)
        if new:
            self._desk.emit(row, "opened", detail=gate.title)
            key = artifact_key(run.workflow, gate.id)
            await show(acreate_markdown_artifact(key=key, markdown=self._markdown(state), description=gate.title))
        self._terms = terms_of(state)
        if state.decision is None and gate.node in run.decisions:
            said = "decided when the run was started"
            answer = Answer(run.decisions[gate.node], "--decide", said, login=signed_in_user())
            state = await self._counted(state, answer)
        return state

    @retry(
        # A database that is started again while people think must not cost their decision.
        retry=retry_if_exception_type(OperatorError),
        wait=wait_fixed(2),
        stop=stop_after_delay(pause.PATIENCE_SECONDS),
        reraise=True,
    )
    async def _kept(self) -> GateState:
        """The gate, once what was due at it is done."""
        await self._look_again()
        return await work_on(self._desk, await self._state())

    async def _look_again(self) -> None:
        """Reads people, delegations and channels anew now and then: they change while a gate waits for hours."""
        if monotonic() - self._looked_at > LOOK_AGAIN_SECONDS:
            self._looked_at = monotonic()
            try:
                self._desk = await open_desk(self._run.ledger, self._run.settings, self._run.now)
            except (OperatorError, httpx.HTTPError, PrefectHTTPStatusError) as error:
                run_logger().warning("gate %s goes on with the people as they were: %s", self._gate.id, error)

    async def _state(self) -> GateState:
        state = await self._desk.gates.state(self._run.run_id, self._gate.id)
        if state is None:
            raise LookupError(f"gate {self._gate.id} of run {self._run.run_id} was not opened")
        return state

    async def _counted(self, state: GateState, answer: Answer) -> GateState:
        """The gate after the answer; one that does not count is said and changes nothing."""
        try:
            return await decide(self._desk, state, answer)
        except DecisionRefused as refused:
            self._refusal = str(refused)
            run_logger().warning("gate %s: %s", self._gate.id, refused)
            return await self._state()

    async def _hold(self) -> DecisionRow:
        """Waits, and waits again where an answer does not count or is not enough."""
        run, gate = self._run, self._gate
        flow_run = await pause.read_run(run.run_id)
        wait, waits = pause.way_to_wait(flow_run, gate.hold), pause.keys_used(flow_run, gate.id)
        if waits:
            # It came while no process was there to take it.
            await self._take(f"{gate.id}-{waits}")
        while (state := await self._kept()).decision is None:
            waits += 1
            await (self._suspended if wait == "suspend" else self._paused)(state, f"{gate.id}-{waits}")
        return state.decision

    async def _take(self, key: str) -> bool:
        """Whether something was filled in where the run waited under that key; then it has been judged."""
        filled_in = await pause.stored_answer(self._run.run_id, key)
        if filled_in:
            state = await self._state()
            if filled_in != NUDGE:
                await self._counted(state, answer_in(self._terms, filled_in, key))
            await pause.forget_answer(self._run.run_id, key)
        return bool(filled_in)

    async def _suspended(self, state: GateState, key: str) -> None:
        """Lets the rest of the run come to its end, then ends the run until it is resumed."""
        while not self._run.progress.idle():
            await asyncio.sleep(POLL_SECONDS)
            if (await self._kept()).decision is not None:
                return
        waiting = await self._begin(state, key, "suspend")
        gates = await self._desk.gates.of_run(self._run.run_id)
        if any(each.decision is not None and each.gate.node in self._run.progress.waiting for each in gates):
            # It came between the two, or at another gate; nobody else knows that the run waits now.
            await pause.resume(self._run.run_id, NUDGE)
        self._run.progress.suspended = Pause(state=waiting)
        raise self._run.progress.suspended

    async def _paused(self, state: GateState, key: str) -> None:
        """Returns once the run goes on: by its form, or because the gate was decided elsewhere."""
        await self._begin(state, key, "pause")
        asking = asyncio.create_task(self._ask_listener())
        try:
            while await self._is_paused():
                if (await self._kept()).decision is not None:
                    await pause.resume(self._run.run_id, NUDGE)
                if asking.done():
                    asking.result()
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    await asyncio.wait((asking,), timeout=POLL_SECONDS)
        finally:
            asking.cancel()
            # Waited for, not awaited: its Ctrl-C has ended the run already, and must not do it again.
            await asyncio.wait((asking,))
        state = await self._state()
        if not await self._take(key) and state.decision is None:
            self._refusal = "the run was set going with no decision"
            await self._desk.record(state.gate, "refused", "", self._refusal)

    async def _begin(self, state: GateState, key: str, wait: pause.Wait) -> State[Any]:
        left = (state.gate.closes_at - self._run.now()).total_seconds()
        form = form_for(self._terms.model_copy(update={"editable": editable_now(state)}), self._markdown(state))
        waiting = await pause.begin_wait(self._run.run_id, key, form, wait, max(left, 0))
        if not waiting.is_paused():
            raise DecisionMissing(
                f"the run cannot wait at gate {self._gate.node!r}: Prefect has it as {waiting.name}",
                mend="start it again with holdfast resume",
            )
        return waiting

    async def _is_paused(self) -> bool:
        """Whether the run still waits; where Prefect does not answer, nobody can have resumed it."""
        try:
            async with get_client() as client:
                state = (await client.read_flow_run(self._run.run_id)).state
        except (httpx.TransportError, PrefectHTTPStatusError) as error:
            if not pause.server_is_away(error):
                raise
            run_logger().warning("gate %s waits on, though Prefect does not answer: %s", self._gate.id, error)
            return True
        if state is not None and (state.is_final() or state.is_cancelling()):
            raise DecisionMissing(f"the run was ended at gate {self._gate.node!r}: {state.name}")
        return state is None or state.is_paused()

    def _markdown(self, state: GateState) -> str:
        answered = tuple(vote.person for vote in state.votes)
        until = f"{state.gate.closes_at:%Y-%m-%d %H:%M} UTC"
        asked = asked_line(self._terms, state.asked(), answered, until)
        refusal = ["", f"**The last answer did not count**: {self._refusal}."] if self._refusal else []
        return "\n".join([state.gate.summary, "", asked, *refusal])

    async def _ask_listener(self) -> None:
        """Asks whoever watches the run, until they have said something that counts."""
        run, login = self._run, signed_in_user()
        while (state := await self._state()).decision is None:
            wants_code = needs_code(self._desk, state, login)
            question = Question(self._gate.node, self._markdown(state), state.gate.closes_at, wants_code=wants_code)
            answer = await run.listener.on_question(question)
            if answer is None:
                return
            given = Answer(
                "approve" if answer["decision"] == "approve" else "reject",
                via="terminal",
                comment=answer.get("comment", ""),
                code=answer.get("code", ""),
                login=login,
                name="" if self._terms.wants_proof else answer.get("decided_by", ""),
            )
            await self._counted(state, given)
            if self._terms.required != "any":
                return  # the others are asked where they are
