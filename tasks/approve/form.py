"""The form that an approver sees in the Prefect UI, and what stands above it."""

from collections.abc import Mapping
from typing import Any, Literal

from prefect.input import RunInput
from pydantic import Field, JsonValue, create_model

from tasks.approve.deciding import Answer
from tasks.approve.node import form_key
from tasks.approve.terms import Terms

_DECISION = "approve: the run goes on. reject: nothing after this gate runs."
_COMMENT = "Why, for whoever reads the run later."
_CODE = "The code from your own message. It proves that the decision is yours."
_NAME = "Your name."

SUMMARY_LENGTH = 1500
"""Characters of the report that the form shows; the whole report is one of the run's artifacts."""


def form_for(terms: Terms, markdown: str) -> type[RunInput]:
    """The form of a gate: a decision, a comment, the proof, and what may be corrected, with its value as it is."""
    proof: dict[str, Any] = (
        {"code": (str, Field(default="", description=_CODE))}
        if terms.wants_proof
        else {"decided_by": (str, Field(default="", description=_NAME))}
    )
    edits: dict[str, Any] = {
        key: (
            type(terms.editable[name]),
            Field(default=terms.editable[name], title=name, description="Correct it here."),
        )
        for key, name in _keys(terms).items()
    }
    usual: dict[str, Any] = {
        "decision": (Literal["approve", "reject"], Field(description=_DECISION)),
        "comment": (str, Field(default="", description=_COMMENT)),
    }
    form: type[RunInput] = create_model("Decision", __base__=RunInput, **usual, **proof, **edits)
    form._description = markdown  # what with_initial_data sets, for a form that has its data already
    return form


def answer_in(terms: Terms, filled_in: Mapping[str, Any], key: str) -> Answer:
    """What somebody said in the form; `key` tells this answer from others of the run."""
    return Answer(
        decision=filled_in["decision"],
        via="Prefect",
        comment=filled_in.get("comment", ""),
        edits={name: filled_in[key] for key, name in _keys(terms).items() if key in filled_in},
        code=filled_in.get("code", ""),
        name=filled_in.get("decided_by", ""),
        key=key,
    )


NUDGE: dict[str, JsonValue] = {"decision": "reject", "comment": "decided elsewhere; the ledger says what"}
"""What sets a waiting run going once the ledger has the decision; it is no answer itself."""


def shortened(report: str) -> str:
    """As much of the report as a form shows."""
    shown = report.strip()
    if len(shown) <= SUMMARY_LENGTH:
        return shown
    cut = shown.rfind("\n", 0, SUMMARY_LENGTH)
    return shown[: cut if cut > 0 else SUMMARY_LENGTH].rstrip() + "\n\n(cut here; the artifact has all of it)"


def summary(title: str, text: str, gaps: tuple[str, ...], cost: str) -> str:
    """What is to be approved, as Markdown, for the form and for messages: the text, what is missing, what it cost."""
    missing = ["", "**Missing**", "", *(f"- {gap}" for gap in gaps)] if gaps else []
    return "\n".join(
        [f"**{title}**", "", text or "There is no text to approve.", *missing, "", f"Cost so far: {cost}."]
    )


def asked_line(terms: Terms, asked: tuple[str, ...], answered: tuple[str, ...], until: str) -> str:
    """Who is asked, who has answered, how many must agree, and until when."""
    names = ", ".join(f"{name} (answered)" if name in answered else name for name in asked or terms.approvers)
    agree = {"any": "", "all": " All of them must agree."}
    need = agree.get(str(terms.required), f" {terms.required} of them must agree.")
    return f"Asked: {names}.{need} Open until {until}."


def _keys(terms: Terms) -> dict[str, str]:
    """The form's name for each field that may be corrected."""
    return {form_key(name): name for name in terms.editable}
