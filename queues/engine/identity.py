"""A worker's own row, and on SQLite the lock file whose holder is alive."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from typing import IO
from uuid import UUID

from django.db import connection

from queues.ledger import clock
from queues.ledger.requests import new_id
from queues.models import Worker


class Identity:
    """Who this process is in the ledger. A worker that was found lost takes a new identity; the old one stays lost."""

    def __init__(self, name: str, queues: list[str], slots: int) -> None:
        self.name, self.queues, self.slots = name, queues, slots
        self.id: UUID = new_id()
        self._lock: IO[str] | None = None

    def register(self) -> UUID:
        """Insert the worker's row under a new id. Raises DatabaseError; the old id stays then, under which nothing is held."""
        fresh = new_id()
        path = self._hold_lock(fresh)
        now = clock.now()
        Worker.objects.create(
            id=fresh, name=self.name, host=socket.gethostname(), pid=os.getpid(), queues=self.queues,
            slots=self.slots, started_at=now, beat_at=now, lock_path=path,
        )  # fmt: skip
        self.id = fresh
        return self.id

    def stopping(self) -> None:
        Worker.objects.filter(pk=self.id, stopping_at__isnull=True).update(stopping_at=clock.now())

    def stopped(self) -> None:
        """The orderly end."""
        Worker.objects.filter(pk=self.id, lost_at__isnull=True).update(stopped_at=clock.now(), busy=0)
        self._drop_lock()

    def _hold_lock(self, worker_id: UUID) -> str:
        self._drop_lock()
        if connection.vendor != "sqlite":
            return ""
        name = str(connection.settings_dict["NAME"])
        if not os.path.isabs(name):
            return ""  # an in-memory database has no other process to tell
        folder = Path(name).parent / "workers"
        folder.mkdir(exist_ok=True)
        path = folder / f"{worker_id}.lock"
        self._lock = path.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return str(path)

    def _drop_lock(self) -> None:
        if self._lock is not None:
            Path(self._lock.name).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None


def lock_is_free(path: str) -> bool:
    """Whether the process that held this lock is gone."""
    try:
        with open(path, "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return True
    except OSError:
        return False
