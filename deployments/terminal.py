"""The terminal's view of a run: a live line per node, and the gate's question."""

import getpass
import sys
from collections.abc import Mapping
from time import monotonic

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tasks.context import NodeEvent, Question

_STYLES = {
    "waiting": "dim",
    "running": "cyan",
    "retrying": "yellow",
    "asking": "bold magenta",
    "done": "green",
    "degraded": "yellow",
    "skipped": "dim",
    "failed": "bold red",
}


class Terminal:
    """A listener that draws on standard error; where that is no terminal it prints a line per change."""

    def __init__(self, console: Console, *, interactive: bool) -> None:
        self._console, self._interactive = console, interactive
        self._began: dict[str, float] = {}
        self.events: dict[str, NodeEvent] = {}
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=console, refresh_per_second=8, get_renderable=self._drawing, transient=False)

    def __enter__(self) -> "Terminal":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def on_event(self, event: NodeEvent) -> None:
        self.events[event.node] = event
        if event.state == "running":
            self._began.setdefault(event.node, monotonic())
        if not self._console.is_terminal and event.state != "waiting":
            self._console.print(f"{event.node}: {_words(event)}", markup=False, highlight=False, soft_wrap=True)

    async def on_question(self, question: Question) -> Mapping[str, str] | None:
        if not self._interactive:
            return None
        self._live.stop()
        self._console.print(Panel(Markdown(question.summary), title=f"gate {question.node}", border_style="magenta"))
        answer = await _ask(question)
        if self._console.is_terminal:
            self._live.start(refresh=True)
        return answer

    def _drawing(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for event in self.events.values():
            style = _STYLES[event.state]
            mark = self._spinner if event.state in ("running", "retrying") else Text("·", style)
            seconds = event.seconds or (monotonic() - self._began.get(event.node, monotonic()))
            clock = f"{seconds:.1f} s" if event.state not in ("waiting", "skipped") else ""
            table.add_row(mark, event.node, Text(_words(event), style, overflow="fold"), Text(clock, "dim"))
        return table


def _words(event: NodeEvent) -> str:
    match event.state:
        case "retrying":
            return f"retrying {event.attempt}/{event.attempts}: {event.detail}"
        case "done" if event.cached:
            return "done (cached)"
        case "running" if event.attempt > 1:
            return f"retrying {event.attempt}/{event.attempts}"
        case "done" | "degraded" | "skipped" | "failed" | "asking" if event.detail:
            return f"{event.state}: {event.detail}"
        case _:
            return event.state


async def _ask(question: Question) -> Mapping[str, str]:
    """The person's answer; the prompt is cancelled when the gate ends another way."""
    from prompt_toolkit import PromptSession  # only a run that reaches a gate with a person at it
    from prompt_toolkit.output import create_output

    session: PromptSession[str] = PromptSession(output=create_output(stdout=sys.stderr))
    choices = {"a": "approve", "approve": "approve", "y": "approve", "r": "reject", "reject": "reject", "n": "reject"}
    decision = None
    while decision is None:
        typed = await session.prompt_async(f"{question.node}: approve or reject? [a/r] ")
        decision = choices.get(typed.strip().lower())
    comment = await session.prompt_async("Comment (Enter for none): ")
    code = await session.prompt_async("The code from your message: ") if question.wants_code else ""
    return {"decision": decision, "comment": comment.strip(), "decided_by": getpass.getuser(), "code": code.strip()}
