"""`--poison`: jobs that kill their process and jobs that eat memory, among ordinary ones: those end dead, with reasons."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter

from project.chaos import orders, reading, report
from project.chaos.experiment import ROLES, TheEnd, post_worker, set_up_queues
from project.chaos.facts import Journal, Record
from project.chaos.fleet import Fleet
from project.chaos.load import place
from project.chaos.orders import Ask
from project.chaos.plan import WORKERS
from project.chaos.stage import Stage, tell
from project.chaos.storm import Storm
from project.chaos.verdict import judge
from queues.models import Queue

LIMIT_MB = 256
QUEUES = [*orders.QUEUES, "external-api"]
END_WITHIN_S = 240.0


def main(stage: Stage, options: Namespace) -> int:
    """Of a hundred jobs one is poison and one a glutton. Returns the exit code; the last line is the JSON object."""
    stage.begin(ROLES)
    set_up_queues(orders.LIMITS)
    Queue.objects.filter(name="external-api").update(
        concurrency=4, executor="children", memory_limit_mb=LIMIT_MB, rate_limit="100000/s"
    )
    asked = asks(options.jobs, max(1, options.jobs // 100))
    acknowledged: dict[str, str] = {}
    for ask in asked:
        acknowledged |= dict(zip(ask.keys, place(ask), strict=True))
    fleet, began = Fleet(stage.mother), time.monotonic()
    for number in range(WORKERS):
        post_worker(fleet, number, QUEUES, {})
    end = TheEnd(fleet, 0.0)
    storm = Storm(
        fleet,
        stage.servers,
        None,
        lambda line: tell(f"{line} · {end.done()} done, ended by themselves: {dict(fleet.exits)}"),
    )
    in_time = storm.run(end.quiet, END_WITHIN_S) and not end.stalled
    hung = stage.mother.end_all(15.0)
    record = reading.read()
    bad = frozenset(key for ask in asked if ask.kind in ("poison", "glutton") for key in ask.keys)
    verdict = judge(record, Journal(acknowledged), orders.LIMITS, may_die=bad)
    reasons = why_dead(record, bad)
    wrong = [
        f"{run.key} is {run.state} ({run.error_code})" for run in record.runs if run.key in bad and run.state != "dead"
    ]
    wrong += [f"{run.key} is dead without a reason" for run in record.runs if run.key in bad and not run.error_code]
    for line in wrong[:10]:
        tell(line)
    figures = {
        "bad_jobs": len(bad), "dead": sum(reasons.values()), "reasons": dict(reasons), "wrong": len(wrong),
        "took_s": round(time.monotonic() - began, 1), "database": options.database, "ended_in_time": in_time,
        "hung": hung, "exits": dict(fleet.exits),
    }  # fmt: skip
    report.show(verdict)
    code = report.conclude(report.answer(verdict, record, [], [], {}, options.seed, figures), verdict)
    return code or int(bool(wrong or hung or sum(reasons.values()) != len(bad)))


def asks(jobs: int, bad: int) -> list[Ask]:
    """Pure. `bad` of each kind, spread among ordinary ones."""
    every, kinds = max(1, jobs // bad), ("report", "document", "report", "invoice")
    found = []
    for first in range(jobs):
        kind = "poison" if first % every == 1 else "glutton" if first % every == 2 else kinds[first % len(kinds)]
        found.append(Ask(first, 1, kind, "alone"))
    return found


def why_dead(record: Record, keys: frozenset[str]) -> Counter[str]:
    """Job and error code of the dead among `keys`."""
    return Counter(
        f"{run.job.removeprefix('chaos.')} {run.error_code}"
        for run in record.runs
        if run.key in keys and run.state == "dead"
    )
