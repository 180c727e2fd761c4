"""When to speak up: the table of rules, and the judgement of one figure by one rule. Pure.

docs/reference/alerts.md is made from it: `python -m queues.watch.alert_page > docs/reference/alerts.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["warning", "critical"]
Unit = Literal["ms", "s", "%", "jobs/h", "jobs/min", "runs", "MB"]
Key = tuple[str, str]  # rule, queue ("": the whole house)

LEVELS: tuple[Level, ...] = ("warning", "critical")
RANK: dict[Level | None, int] = {None: 0, "warning": 1, "critical": 2}
MARGIN = 0.1  # of a line: so far on the good side of it a figure counts as calm
BACKLOG = 50  # runs that wait; fewer are no backlog


@dataclass(frozen=True)
class Rule:
    """`warning` and `critical` are lines in `unit`, None where there is none; a figure `below` them (else: over) is beyond.

    `per_queue`: judged for each queue, else once for the whole house. `least`: on how many cases (`counts`) the figure must
    stand. `lasts_s`: for how long it must be beyond before an alert opens. `stretches`: its lines grow with the SLA of a
    queue whose jobs may take longer. `runbook`: the page in docs/runbooks.
    """

    name: str
    title: str
    measures: str
    unit: Unit
    warning: float | None
    critical: float | None
    why: str
    act: str
    runbook: str
    per_queue: bool = True
    below: bool = False
    least: int = 0
    counts: str = ""
    lasts_s: float = 0.0
    stretches: bool = False


@dataclass(frozen=True)
class Figure:
    """What was measured, in the rule's unit. `value` None: there is nothing to judge, and that is well. `count`: on how
    many cases it stands. `text`: in words, without the line. (No figure at all: it could not be measured.)"""

    value: float | None
    text: str = ""
    count: int = 0


@dataclass(frozen=True)
class Lines:
    """In force for a rule and a queue."""

    warning: float | None
    critical: float | None

    def of(self, level: Level) -> float | None:
        return self.warning if level == "warning" else self.critical


RULES: tuple[Rule, ...] = (
    Rule(
        "processing_latency", "Processing latency", "mean time from start to end of the newest 100 runs of five minutes",
        "ms", 750, 1500,
        "Short jobs have become slow: an outside service, the database or the host is.",
        "Compare with the time before in the queue's health; look at the slowest runs' logs and at CPU and database.",
        "alerts-slow.md", least=20, counts="runs that finished", stretches=True,
    ),
    Rule(
        "mean_processing", "Average processing", "mean time from start to end of the newest 100 runs of five minutes",
        "s", 120, None,
        "Runs hold their slots for minutes, and what waits behind them waits as long.",
        "Find out which job takes the time; give long jobs a queue or a concurrency limit of their own.",
        "alerts-slow.md",
    ),
    Rule(
        "queue_wait", "Queue wait", "how long the oldest due run has waited",
        "s", 5, 10,
        "Work is asked for faster than it is done, or nobody does it.",
        "Is a worker there? Are all slots busy? Start workers or raise the queue's concurrency.",
        "alerts-waiting.md", stretches=True,
    ),
    Rule(
        "mean_wait", "Average wait", "mean time from falling due to start of the newest 100 runs of five minutes",
        "s", 30, None,
        "Everybody waits, not one run alone.",
        "As for queue wait; if it comes at the same hour each day, spread the schedules.",
        "alerts-waiting.md", stretches=True,
    ),
    Rule(
        "backlog", "Backlog", "runs that are due and wait in the queue",
        "runs", BACKLOG, 5000,
        "What waits takes time to work off, even if nothing more comes.",
        "See whether it shrinks (Health: depth). If not: more workers, a higher concurrency, or clean what is not needed.",
        "alerts-waiting.md", lasts_s=30,
    ),
    Rule(
        "stalled", "Standstill", f"runs finished a minute, while one has been due for over a minute and nothing runs, or over {BACKLOG} wait",
        "jobs/min", None, 1,
        "Runs are due and nothing ends: no worker, or workers that hang.",
        "Look at Workers: is one alive for this queue, and what do its slots run? Start one, or cancel what hangs.",
        "alerts-waiting.md", below=True,
    ),
    Rule(
        "throughput", "Throughput", f"runs finished in an hour at the pace of the last minute, while over {BACKLOG} wait",
        "jobs/h", 8000, 5000,
        "There is work and too little of it gets done.",
        "As for queue wait; long jobs in the backlog explain a low figure by themselves.",
        "alerts-waiting.md", per_queue=False, below=True, lasts_s=60,
    ),
    Rule(
        "failure_rate", "Failure rate", "share of the runs that finished in five minutes and made a dead letter",
        "%", 2, 5,
        "A failed attempt that a retry heals is none of it: these runs will not be done unless somebody acts.",
        "Look at the dead letters' errors; pause the queue if more would die; mend the cause, then retry them.",
        "dead-letters.md", least=3, counts="dead letters",
    ),
    Rule(
        "dead_letters", "Dead letters", "share of an hour's runs that made a dead letter, while dead letters lie there",
        "%", 0.1, None,
        "99.9 % of the jobs are to be done.",
        "Go through them: retry what matters, cancel what does not. The alert ends when they are dealt with.",
        "dead-letters.md", least=3, counts="dead letters that lie there",
    ),
    Rule(
        "sla", "SLA", "share of the newest 100 runs of five minutes that took longer, from due to end, than their SLA's critical time",
        "%", 5, 10,
        "What was promised is not kept, whatever the reason.",
        "Are they slow or do they wait? See the alerts beside this one, and a late run's timeline.",
        "alerts-slow.md", least=3, counts="late runs",
    ),
    Rule(
        "worker_use", "Worker use", "share of all live workers' slots that run something",
        "%", 80, 90,
        "There is no room for more: the next peak will wait.",
        "Start another worker process or host before the backlog grows.",
        "alerts-capacity.md", per_queue=False, lasts_s=60,
    ),
    Rule(
        "worker_memory", "Worker memory", "resident memory of the largest live worker process",
        "MB", 500, None,
        "It will meet the host's limit, and the kernel ends it in the midst of its runs.",
        "Which job grew? Let its queue run in child processes, which are renewed; restart the worker meanwhile.",
        "alerts-capacity.md", per_queue=False,
    ),
    Rule(
        "pool_use", "Connection pool use", "the most connections used at once lately, of those that the fullest pool may have",
        "%", 85, 95,
        "Whoever finds no free connection waits, and then fails.",
        "Raise REDIS_POOL_MAX_CONNECTIONS or DATABASE_POOL_MAX, after `manage.py validate` says that the server has room.",
        "alerts-capacity.md", per_queue=False, lasts_s=30,
    ),
)  # fmt: skip
BY_NAME = {rule.name: rule for rule in RULES}


def judge(rule: Rule, lines: Lines, figure: Figure) -> Level | None:
    """What the figure is worth. A figure on the line is not beyond it."""
    return _judge(rule, lines, figure, 0.0)


def eased(rule: Rule, lines: Lines, figure: Figure) -> Level | None:
    """The same with lines moved a tenth to the good side: an alert is only as calm as this says. Never less than `judge`."""
    return _judge(rule, lines, figure, MARGIN)


def worse(one: Level | None, other: Level | None) -> bool:
    return RANK[one] > RANK[other]


def lines_of(rule: Rule, warning: float | None = None, critical: float | None = None, stretch: float = 1.0) -> Lines:
    """What staff said, else what is shipped, grown by `stretch` where the rule's lines do so."""
    grown = stretch if rule.stretches else 1.0
    shipped = [None if line is None else line * grown for line in (rule.warning, rule.critical)]
    return Lines(shipped[0] if warning is None else warning, shipped[1] if critical is None else critical)


def shown(value: float, unit: Unit) -> str:
    """With its unit: "1,500 ms", "0.1 %", "85 runs"."""
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {'run' if unit == 'runs' and text == '1' else unit}"


def _judge(rule: Rule, lines: Lines, figure: Figure, margin: float) -> Level | None:
    value = figure.value
    if value is None or figure.count < rule.least:
        return None
    for level in reversed(LEVELS):
        line = lines.of(level)
        if line is None:
            continue
        if value < line * (1 + margin) if rule.below else value > line * (1 - margin):
            return level
    return None
