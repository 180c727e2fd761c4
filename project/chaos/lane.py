"""One of several ledgers side by side, in which failpoint scenes are played one after the other.

A lane is a process with its own database, its own Redis database, its own mother and a short lease: nobody of another lane
takes its runs or rescues its workers.
"""

from __future__ import annotations

import logging
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, connections

from project.chaos import roles
from project.chaos.load import place
from project.chaos.mother import Child, Mother
from project.chaos.orders import Ask
from queues.models import Run, Slot

LEASE_S = 1.0
REACHED_WITHIN_S = 15.0
ENDED_WITHIN_S = 30.0
QUEUES = ("reports", "maintenance", "external-api")  # the last for the runs that settle calls
ROLES: Mapping[str, Callable[..., object]] = {
    "worker": roles.quick_worker,
    "scheduler": roles.scheduler,
    "reconciler": roles.reconciler,
    "asker": roles.asker,
}


class NotReached(Exception):
    """A process did not come to the place at which it was to die."""


class Lane:
    def __init__(self, number: int, folder: Path, redis_url: str) -> None:
        self.number, self.folder = number, folder / f"lane-{number}"
        self.at: dict[str, Any] = {
            "database": {"NAME": database_name(number, folder)},
            "redis_url": f"{redis_url}/{number + 1}",
            "lease_s": LEASE_S,
            "books": str(self.folder / "bank.txt"),
        }
        logging.disable(logging.NOTSET)
        self.mother = Mother(ROLES, self.folder / "logs")
        self._count = 0
        connections.close_all()
        roles.aim(**self.at)
        self.acknowledged: dict[str, str] = {}

    def start(self, role: str, **arguments: Any) -> Child:
        self._count += 1
        name = f"{role}-{self.number}.{self._count}"
        if role == "worker":
            arguments = {"name": name, "queues": QUEUES, **arguments}
        elif role == "reconciler":
            arguments = {"queues": QUEUES, **arguments}
        return self.mother.start(name, role, {"at": self.at, **arguments})

    def ask(self, ask: Ask) -> None:
        """Ask for jobs, from this process, which nobody kills."""
        self.acknowledged |= dict(zip(ask.keys, place(ask), strict=True))

    def asker(self, ask: Ask, point: str) -> Child:
        return self.start("asker", ask=asdict(ask), point=point)

    def dies(self, child: Child) -> None:
        """Wait for its end at the failpoint. Raises NotReached."""
        until = time.monotonic() + REACHED_WITHIN_S
        while child.alive and time.monotonic() < until:
            time.sleep(0.01)
            self.mother.look()
        if child.code != -signal.SIGKILL:
            told = "it lives" if child.alive else f"it ended with {child.code}"
            self.kill(child)
            raise NotReached(f"{child.name} did not die at its failpoint: {told}.")

    def kill(self, child: Child) -> None:
        self.mother.strike(child, signal.SIGKILL)

    def wait(self, true: Callable[[], bool], within_s: float = REACHED_WITHIN_S) -> None:
        """Raises NotReached."""
        until = time.monotonic() + within_s
        while not true():
            if time.monotonic() > until:
                raise NotReached("What the scene waits for did not happen.")
            time.sleep(0.01)

    def heal(self, more: Iterable[Child] = ()) -> None:
        """A healthy worker finishes what is there, and goes. What has not ended in time is found by the verdict."""
        healthy = [self.start("worker"), *more]
        until = time.monotonic() + ENDED_WITHIN_S
        while not self.quiet() and time.monotonic() < until:
            time.sleep(0.05)
        for child in healthy:
            self.mother.strike(child, signal.SIGTERM)
        while any(child.alive for child in healthy) and time.monotonic() < until + 10:
            time.sleep(0.02)
            self.mother.look()
        for child in healthy:
            self.kill(child)

    def quiet(self) -> bool:
        return (
            not Run.objects.filter(state__in=("scheduled", "pending", "running")).exists() and not Slot.objects.exists()
        )

    def running(self, key: str) -> bool:
        return Run.objects.filter(state="running", params__key=key).exists()

    def close(self) -> None:
        self.mother.end_all(5.0)
        self.mother.close()
        connections.close_all()


def database_name(number: int, folder: Path) -> str:
    if connection.vendor == "postgresql":
        return f"lane_{number}"
    return str(folder / f"lane-{number}" / "roundsman.sqlite3")


def make_databases(count: int, folder: Path) -> None:
    """Copies of the default database, which nobody is connected to."""
    names = [database_name(number, folder) for number in range(count)]
    if connection.vendor == "postgresql":
        own = connection.settings_dict["NAME"]
        connections.close_all()
        import psycopg

        target = connection.settings_dict
        with psycopg.connect(
            host=target["HOST"], port=target["PORT"], user=target["USER"], dbname="postgres", autocommit=True
        ) as server:
            for name in names:
                server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{own}"')  # type: ignore[arg-type]
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections.close_all()
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(settings.DATABASES["default"]["NAME"]), name)
