"""The chaos run proper: Roundsman under the plan, then the verdict."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import DatabaseError, InterfaceError, connections

from project.chaos import orders, plan, reading, report, roles, schedules
from project.chaos.fleet import Fleet
from project.chaos.mother import Role
from project.chaos.stage import Stage, tell
from project.chaos.storm import Storm
from project.chaos.verdict import judge
from queues.models import Queue, Run, Slot

ROLES: dict[str, Role] = {
    "worker": roles.worker, "scheduler": roles.scheduler, "reconciler": roles.reconciler, "client": roles.client,
}  # fmt: skip
SCHEDULES = {"chaos every second": 1, "chaos every two seconds": 2}
END_WITHIN_S = 60.0
STALLED_S = 90.0


def main(stage: Stage, options: Namespace) -> int:
    """Returns the exit code; the last line of the output is the JSON object."""
    stage.begin(ROLES, plan.PROXIED)
    return Experiment(stage, options).run()


class Experiment:
    def __init__(self, stage: Stage, options: Namespace) -> None:
        self.stage, self.options = stage, options
        self.acts = plan.plan(options.seed, options.jobs, options.database, options.lease)
        self.fleet = Fleet(stage.mother)
        self.storm = Storm(self.fleet, stage.servers, stage.proxy, self._tell)
        self.end = TheEnd(self.fleet, plan.length_s(options.jobs))

    def run(self) -> int:
        schedules.set_up(SCHEDULES)
        began = time.monotonic()
        Crowd(self.stage, self.options, self.fleet, plan.helpings(self.acts, self.options.jobs), self.end).come()
        self.storm.load(self.acts)
        patience_s = 6 * plan.length_s(self.options.jobs) + END_WITHIN_S  # a busy machine is slow, not wrong
        in_time = self.storm.run(self.end.come, patience_s) and not self.end.stalled
        took_s = time.monotonic() - began
        hung = self.stage.mother.end_all(15.0)
        tell(f"{took_s:.0f} s. Judging …")
        return self._answer(in_time, took_s, hung)

    def _tell(self, line: str) -> None:
        done = self.end.done()
        tell(f"{line} · {'?' if done is None else f'{done:,}'} of {self.options.jobs:,} done")

    def _answer(self, in_time: bool, took_s: float, hung: list[str]) -> int:
        record = reading.read()
        verdict = judge(record, reading.journal(self.end.journal), orders.LIMITS)
        fires, wrong = schedules.check(SCHEDULES)
        verdict.lost += wrong
        figures = {
            "engine": "roundsman", "database": self.options.database, "fires": fires, "took_s": round(took_s, 1),
            "ended_in_time": in_time, "hung": hung, "exits": dict(self.fleet.exits),
        }  # fmt: skip
        outages = self.stage.servers.outages
        answer = report.answer(
            verdict, record, self.fleet.strikes, outages, dict(self.storm.kills), self.options.seed, figures
        )
        report.show(verdict)
        return report.conclude(answer, verdict, self.options.max_recovery)


class Crowd:
    """Who lives in a run under load."""

    def __init__(
        self, stage: Stage, options: Namespace, fleet: Fleet, helpings: Sequence[plan.Helping], end: TheEnd
    ) -> None:
        self.stage, self.options, self.fleet, self.helpings, self.end = stage, options, fleet, helpings, end
        end.journal = stage.folder / "journal.jsonl"

    def come(self) -> None:
        """The client first: a part of the load waits before anybody works."""
        set_up_queues(orders.LIMITS)
        queues, helpings = list(orders.QUEUES), [(helping.at_s, helping.count) for helping in self.helpings]
        asked = {"journal": str(self.end.journal), "began": time.time(), "seed": self.options.seed,
                 "jobs": self.options.jobs, "helpings": helpings}  # fmt: skip
        self.fleet.add("client-0", "client", lambda name: asked)
        self.fleet.keep()
        self.end.wait_for_first(min(self.helpings[0].count, 500))
        connections.close_all()
        for number in range(plan.WORKERS):
            post_worker(self.fleet, number, queues, self.stage.at(f"worker-{number}"))
        for number in range(plan.SCHEDULERS):
            self.fleet.add(f"scheduler-{number}", "scheduler", lambda name: {})
        for number in range(plan.RECONCILERS):
            self.fleet.add(f"reconciler-{number}", "reconciler", lambda name: {"queues": queues})


class TheEnd:
    """When a run is over: the plan is through, everything asked for has ended and every slot is free."""

    def __init__(self, fleet: Fleet, load_s: float) -> None:
        self.fleet, self.load_s = fleet, load_s
        self.journal = Path()
        self.stalled = False  # nothing has ended for so long that nothing will
        self._asked_s = self._since_s = 0.0
        self._live = -1
        self._paused = False

    def come(self, passed: float) -> bool:
        if passed < self.load_s or not self.fleet.posts["client-0"].over:
            return False
        try:
            if not self._paused:
                schedules.stop()
                self._paused = True
        except (DatabaseError, InterfaceError):
            connections.close_all()
            return False
        return self.quiet(passed)

    def quiet(self, passed: float) -> bool:
        """Nothing waits and nothing runs; asked a few times a second."""
        if passed - self._asked_s < 0.3:
            return False
        self._asked_s = passed
        try:
            live = Run.objects.filter(state__in=("scheduled", "pending", "running")).count() + Slot.objects.count()
        except (DatabaseError, InterfaceError):
            connections.close_all()
            return False

        if live != self._live:
            self._live, self._since_s = live, passed
        self.stalled = passed - self._since_s > STALLED_S
        return not live or self.stalled

    def done(self) -> int | None:
        """How many runs have succeeded; None if the database is away."""
        try:
            return Run.objects.filter(state="succeeded").count()
        except (DatabaseError, InterfaceError):
            connections.close_all()
            return None

    def wait_for_first(self, count: int, timeout_s: float = 10.0) -> None:
        """Until the client has put so many runs into the ledger."""
        until = time.monotonic() + timeout_s
        while Run.objects.count() < count and time.monotonic() < until:
            time.sleep(0.05)


def set_up_queues(limits: dict[str, int]) -> None:
    for name, limit in limits.items():
        Queue.objects.filter(name=name).update(concurrency=limit, executor="threads", rate_limit="")


def post_worker(fleet: Fleet, number: int, queues: list[str], at: dict[str, Any]) -> None:
    fleet.add(f"worker-{number}", "worker", lambda name: {"name": name, "queues": queues, "at": at})
