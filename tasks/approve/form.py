"""The form that an approver sees, in the Prefect UI and in the terminal, and what their answer means."""

from typing import Literal

from prefect.input import RunInput
from pydantic import Field

Answer = Literal["approve", "reject"]


class Decision(RunInput):
    """What the approver fills in; the Prefect UI draws a form from it."""

    decision: Answer = Field(description="approve: the run goes on. reject: nothing after this gate runs.")
    comment: str = Field(default="", description="Why, for whoever reads the run later.")
    decided_by: str = Field(default="", description="Your name.")


SUMMARY_LENGTH = 1500
"""Characters of the report that the form shows; the whole report is one of the run's artifacts."""


def shortened(report: str) -> str:
    """As much of the report as a form shows."""
    shown = report.strip()
    if len(shown) <= SUMMARY_LENGTH:
        return shown
    cut = shown.rfind("\n", 0, SUMMARY_LENGTH)
    return shown[: cut if cut > 0 else SUMMARY_LENGTH].rstrip() + "\n\n(cut here; the artifact has all of it)"


def summary(title: str, text: str, gaps: tuple[str, ...], cost: str, approvers: tuple[str, ...], until: str) -> str:
    """The form's Markdown: what is to be approved, what is missing, what it cost, who is asked and until when."""
    missing = ["", "**Missing**", "", *(f"- {gap}" for gap in gaps)] if gaps else []
    lines = [f"**{title}**", "", text or "There is no text to approve.", *missing, ""]
    return "\n".join([*lines, f"Cost so far: {cost}. Asked: {', '.join(approvers)}. Open until {until}."])
