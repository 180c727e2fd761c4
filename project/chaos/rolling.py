"""`--rolling N`: workers are asked to go, one after the other, under load. Nothing is lost, and no attempt is charged."""

from __future__ import annotations

import time
from argparse import Namespace

from project.chaos import orders, plan, reading, report
from project.chaos.experiment import ROLES, Crowd, TheEnd
from project.chaos.fleet import Fleet
from project.chaos.plan import WORKERS, Helping
from project.chaos.stage import Stage, tell
from project.chaos.storm import Storm
from project.chaos.verdict import judge

EVERY_S = 0.5
END_WITHIN_S = 60.0


def main(stage: Stage, options: Namespace) -> int:
    """Returns the exit code; the last line of the output is the JSON object."""
    stage.begin(ROLES)
    fleet = Fleet(stage.mother)
    length_s = 2.0 + options.rolling * EVERY_S
    end, began = TheEnd(fleet, length_s), time.monotonic()
    storm = Storm(fleet, stage.servers, None, lambda line: tell(f"{line} · {end.done()} done"))
    Crowd(stage, options, fleet, helpings(options.jobs, length_s), end).come()
    storm.load([plan.Act(1.0 + n * EVERY_S, "sigterm", n % WORKERS) for n in range(options.rolling)])
    in_time = storm.run(end.come, 2 * length_s + END_WITHIN_S) and not end.stalled
    hung = stage.mother.end_all(15.0)
    record = reading.read()
    verdict = judge(record, reading.journal(end.journal), orders.LIMITS)
    charged = [run for run in record.runs if run.attempt > 1 or run.crashes]
    for run in charged[:10]:
        tell(f"Charged: {run.key} took {run.attempt} attempts and {run.crashes} crashes")
    figures = {
        "charged": len(charged), "took_s": round(time.monotonic() - began, 1), "database": options.database,
        "ended_in_time": in_time, "hung": hung, "exits": dict(fleet.exits),
    }  # fmt: skip
    answer = report.answer(verdict, record, [], [], dict(storm.kills), options.seed, figures)
    report.show(verdict)
    code = report.conclude(answer, verdict)
    return code or int(bool(charged or hung or storm.kills["sigterm"] < options.rolling))


def helpings(jobs: int, length_s: float) -> list[Helping]:
    """A quarter at once, the rest evenly until the end."""
    early, ticks = jobs // 4, max(1, int((length_s - 1.0) / 0.25))
    rest = jobs - early
    steady = [Helping(0.25 * n, rest * n // ticks - rest * (n - 1) // ticks) for n in range(1, ticks + 1)]
    return [Helping(0.0, early), *steady]
