"""A workflow with a gate, a listener that answers it, and the wait until a run of it asks."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.input import keyset_from_paused_state
from prefect.input.actions import aread_flow_run_input
from prefect.input.run_input import Keyset

from tasks.context import Question
from tests.flows.running import Watching

GATED = """
    name: gated
    nodes:
      - {id: spend, kind: query, source: shop, sql: "SELECT vendor, SUM(amount) AS spend FROM invoices GROUP BY vendor"}
      - {id: report, kind: reason, purpose: synthesise, needs: [spend], instructions: What we spent}
      - {id: sign-off, kind: approve, needs: [report], approvers: [the-boss], timeout: 30s}
      - {id: publish, kind: deliver, needs: [report, sign-off], to: [{documents: gated/report.md}]}
      - {id: also, kind: query, needs: [sign-off], source: shop, sql: SELECT 1 AS one}
"""


class Answering(Watching):
    """A listener that answers each gate, and keeps what it was asked."""

    def __init__(self, **answers: str) -> None:
        super().__init__()
        self.answers, self.questions = answers, list[Question]()

    async def on_question(self, question: Question) -> Mapping[str, str] | None:
        self.questions.append(question)
        return {"decision": self.answers[question.node.replace("-", "_")], "comment": "seen", "decided_by": "Ann"}


async def paused(run_id: UUID) -> Keyset:
    """The keys of the form of a run that waits, once the form is there to be read and answered."""
    async with get_client() as client:
        while True:
            state = (await client.read_flow_run(run_id)).state
            if state is not None and state.is_paused():
                keys = keyset_from_paused_state(state)
                # Prefect 3.8 pauses the run first and stores its form after that, the description last.
                if await aread_flow_run_input(keys["description"], flow_run_id=run_id) is not None:
                    return keys
            await asyncio.sleep(0.05)
