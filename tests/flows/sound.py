"""A sound definition with every kind of node, to be made wrong in one place."""

from flows.definitions import inspect

SOUND = """\
# What we pay, and to whom.
name: spend-review
owner: procurement   # who answers for it
trigger: {cron: "0 6 1 * *", timezone: Europe/Berlin}
inputs:
  month: {type: month, default: last month}
  limit: {type: integer, default: 5}
nodes:
  # What the ledger says.
  - id: spend
    kind: query
    source: finance
    timeout: 90s
    sql: |
      SELECT vendor, SUM(amount) AS total
      FROM invoices WHERE month = :month
      GROUP BY vendor
  - id: contracts
    kind: search
    source: documents
    query: "penalty {{ month }}"
  - {id: ranked, kind: transform, needs: [spend], function: "company.spend:ranked"}
  # How bad it is.
  - id: risk
    kind: reason
    purpose: classify
    needs: [ranked, contracts]
    labels: [low, high]
  - id: report
    kind: reason
    purpose: synthesise
    needs: [ranked, risk]
  - id: sign-off
    kind: approve
    needs: [report]
    when: "{{ risk.label != 'low' }}"
    approvers: [head-of-finance]
  - id: publish
    kind: deliver
    needs: [sign-off, report]
    to:
      - documents: "spend/{{ month }}.md"
outputs:
  spend: {from: spend, columns: {vendor: string, total: number}}
  risk: {from: risk.label, type: string}
"""


def changed(old: str, new: str) -> str:
    """The sound definition with `new` in the one place where `old` is."""
    assert SOUND.count(old) == 1, old
    return SOUND.replace(old, new)


def said(text: str) -> list[str]:
    """Every problem of the definition as `holdfast check` prints it, without the file's name."""
    return [f"{problem.line}: {problem}" for problem in inspect(text)[1]]
