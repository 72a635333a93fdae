"""A mind for the loopback provider: it answers the questions of vendor-performance from the data in its prompts.

It has rules, not a language model. What it stands for is a pair of models of which the cheaper one is as good as the
dearer on plain cases, and on close ones unsure, knows that it is, and is wrong: a case is close where a vendor stands
within half a point of the line between late and very late. Labels and figures are then only as good as the routing.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.servers.model_behaviours import Says

LABELS = ("low", "medium", "high")
_VERY_LATE, _CLOSE = 0.10, 0.005
_DATA = re.compile(r'<data node="(?P<node>[^"]+)" kind="(?P<kind>\w+)"[^>]*>\n(?P<content>.*?)\n</data>', re.DOTALL)
_DISPUTED = """\
SELECT v.name AS vendor, SUM(i.amount) AS amount FROM invoices AS i JOIN vendors AS v ON v.vendor_id = i.vendor_id
WHERE i.status = 'disputed' AND i.month = 'MONTH' GROUP BY v.name ORDER BY v.name"""

Rows = Sequence[Mapping[str, str]]


def analyst(body: Mapping[str, Any]) -> Says | None:
    """What it says to the request; the models that it is asked as are OpenAI's gpt-4.1 family."""
    asked = body["response_format"]["json_schema"]["name"]
    prompt = body["messages"][1]["content"]
    data = {match["node"]: match["content"] for match in _DATA.finditer(prompt)}
    match asked:
        case "classify":
            said = _risk(_rows(data["scorecard"]), plain=body["model"] != "gpt-4.1-nano")
        case "extract":
            said = _terms(data.get("contract", ""))
        case "written":
            said = _statement(prompt)
        case "synthesise":
            said = _report(data, plain=body["model"] == "gpt-4.1")
        case _:
            return None
    return Says(json.dumps(said, ensure_ascii=False))


def is_close(rows: Rows) -> bool:
    """Whether a cheaper model is unsure of these vendors."""
    return any(abs(below - _VERY_LATE) < _CLOSE for below in map(_below, rows))


def label_of(rows: Rows) -> str:
    """The label that is right: by how many vendors are very late."""
    return LABELS[min(2, sum(below > _VERY_LATE for below in map(_below, rows)))]


def _risk(rows: Rows, *, plain: bool) -> dict[str, Any]:
    right = label_of(rows)
    worst = ", ".join(f"{row['vendor']} {_below(row):.1%}" for row in rows[:3])
    reason = f"By how far they are below their targets, the worst are {worst}."
    if plain or not is_close(rows):
        return {"reason": reason, "label": right, "confidence": 0.9}
    return {"reason": reason, "label": LABELS[LABELS.index(right) - 1], "confidence": 0.45}


def _terms(passage: str) -> dict[str, Any]:
    found = re.search(r"Penalty: (.+)", passage)
    return {"values": {"penalty": found[1].strip() if found else None}, "confidence": 0.95}


def _statement(prompt: str) -> dict[str, Any]:
    month = re.findall(r"\d{4}-\d\d", prompt)[-1]
    return {"reason": "It adds up the disputed invoices.", "sql": _DISPUTED.replace("MONTH", month), "confidence": 0.95}


def _report(data: Mapping[str, str], *, plain: bool) -> dict[str, Any]:
    rows, disputed = _rows(data["scorecard"]), _rows(data.get("disputed", ""))
    late = [row for row in rows if _below(row) > 0]
    risk = json.loads(data["risk"])["label"] if "risk" in data else "unknown"
    lines = [
        f"- **{row['vendor']}** was on time in {float(row['on_time_share']):.1%} of {row['deliveries']} deliveries, "
        f"{_below(row):.1%} below its target; spend {row['spend']}, {row['complaints']} complaints (scorecard)."
        for row in late
    ]
    claims = [f"- {row['vendor']}: {row['amount']} in dispute (disputed)." for row in disputed]
    close = is_close(rows)
    if close and not plain:
        lines = lines[:-1]  # it loses one
    text = [
        "# Vendor performance",
        f"The risk is {risk}: {len(late)} of {len(rows)} vendors are below target.",
        "\n".join(lines),
        "## In dispute",
        "\n".join(claims),
        f"Contract: {data.get('terms', '')} (terms).",
    ]
    return {"text": "\n\n".join(text), "confidence": 0.5 if close and not plain else 0.9}


def _rows(content: str) -> Rows:
    return list(csv.DictReader(io.StringIO(content)))


def _below(row: Mapping[str, str]) -> float:
    return float(row["below_target"] or 0)
