"""The offline model: answers from the data by stated rules, in this process, the same each time. It calls no model.

It is what answers where no provider is configured. It understands no language: instructions give a report its title
and decide nothing else. Grades are taken from figures (severity.py), values are looked up (offline_values.py).
"""

import asyncio
from time import monotonic
from typing import assert_never

from pydantic import JsonValue

from tasks.models.calls import Asking, Call, offline_answer, recorded
from tasks.reason.material import passages_of
from tasks.reason.offline_report import report
from tasks.reason.offline_values import find
from tasks.reason.reasoner import Question, Reasoned
from tasks.reason.severity import worst_finding

VERSION = "offline-1"
WRITTEN_BY = "Written by Holdfast's offline model: deterministic, computed from the data, no language model was called."
_EVIDENCE = ("computed by the offline model",)


class OfflineModel:
    """A reasoner that costs nothing; each answer is a row of the ledger all the same."""

    async def reason(self, question: Question) -> Reasoned:
        """What the rules make of the data; this never fails for want of data."""
        began, node = monotonic(), question.node
        async with recorded(Call(Asking(node.id, node.purpose), node.model_tier, VERSION)) as call:
            # In a thread, so that a large table does not hold up the other nodes; it is seconds at most.
            made = await asyncio.to_thread(answer, question)
            call.answer = offline_answer(monotonic() - began)
            call.outcome = "ok"
        return made


def answer(question: Question) -> Reasoned:
    """The rules' answer to the question."""
    match question.node.purpose:
        case "classify":
            return _classified(question)
        case "extract":
            return _extracted(question)
        case "synthesise":
            return Reasoned(0.8, WRITTEN_BY, text=report(question), evidence=_EVIDENCE)
        case _:
            assert_never(question.node.purpose)


def _classified(question: Question) -> Reasoned:
    labels = question.node.labels
    tables = {
        node: outcome.table
        for node, outcome in question.needed.items()
        if outcome.table is not None and passages_of(outcome) is None
    }
    finding = worst_finding(tables)
    if finding is None:
        label, own = labels[len(labels) // 2], 0.2
        reason = f"There was no figure to judge by, so {label} is the middle label and not a finding."
    else:
        label = labels[min(len(labels) - 1, int(finding.severity * len(labels)))]
        own, reason = (0.8 if finding.by_shortfall else 0.5), finding.sentence
    return Reasoned(own, WRITTEN_BY, fields={"label": label, "reason": reason}, evidence=_EVIDENCE)


def _extracted(question: Question) -> Reasoned:
    found = {name: find(name, kind, question.needed) for name, kind in question.node.fields.items()}
    values: dict[str, JsonValue] = {name: each.value for name, each in found.items()}
    gaps = tuple(question.gap(each.why) for each in found.values() if each.value is None)
    evidence = tuple(f"{name} from {each.why}" for name, each in found.items() if each.value is not None)
    own = 0.9 * (1 - len(gaps) / len(values))
    return Reasoned(own, WRITTEN_BY, fields=values, gaps=gaps, evidence=(*_EVIDENCE, *evidence))
