"""The reference page of the alert rules, made from their table. Pure.

python -m queues.watch.alert_page > docs/reference/alerts.md
"""

from __future__ import annotations

from queues.watch.alert_rules import RULES, Rule, shown
from queues.watch.alert_states import CALM_S, COOLDOWN_S

_INTRODUCTION = f"""# Alerts

What the watch speaks up about, and when. How to work with alerts is in [alerts](../how-to/alerts.md).

A figure is *beyond* a line when it is over it (*under* it, where the table says so); on the line it is not. An alert opens
when its figure has been beyond the line for as long as the column *for* says, and stands on enough cases. It gets worse at
once. It gets better, and resolves, when the figure has been a tenth on the good side of the line for {CALM_S:g} seconds. What
comes back within {COOLDOWN_S / 60:g} minutes of its resolution is the same alert, opened again; subscribers are told of it only when
it stays open beyond that time, or came back worse.

Figures come from the health samples, which every queue has at least every 30 seconds, and are judged every 10 to 15. What
waits in a queue that somebody paused, drains or switched off is no alert. A figure that could not be measured (no fresh sample;
Redis away, for the pools) changes nothing.

Lines marked *with the SLA* grow on queues whose jobs may take longer: as many times as the SLA's warning of the queue's most
patient job is longer than `SLA_WARNING_THRESHOLD`.

This page is made from `queues/watch/alert_rules.py`, with `python -m queues.watch.alert_page > docs/reference/alerts.md`.
"""


def markdown() -> str:
    """The page: one table of the lines, then each rule with its meaning."""
    lines = [_INTRODUCTION, "| rule | of | warning | critical | for | stands on |", "|---|---|---|---|---|---|"]
    lines += [_row(rule) for rule in RULES]
    for rule in RULES:
        lines += [
            "",
            f"## {rule.name}",
            "",
            f"**{rule.title}**: {rule.measures}.",
            "",
            f"{rule.why} {rule.act} See the [runbook](../runbooks/{rule.runbook}).",
        ]
    return "\n".join(lines) + "\n"


def _row(rule: Rule) -> str:
    side = "under" if rule.below else "over"
    grows = ", with the SLA" if rule.stretches else ""
    drawn = [
        "" if line is None else f"{side} {shown(line, rule.unit)}{grows}" for line in (rule.warning, rule.critical)
    ]
    of = "each queue" if rule.per_queue else "the house"
    lasts = f"{rule.lasts_s:g} s" if rule.lasts_s else ""
    stands = f"{rule.least} {rule.counts}" if rule.least else ""
    return f"| [`{rule.name}`](#{rule.name}) | {of} | {drawn[0]} | {drawn[1]} | {lasts} | {stands} |"


if __name__ == "__main__":
    print(markdown(), end="")
