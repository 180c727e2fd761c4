"""What every kind of run needs: a folder that goes away, servers, Django, a mother, a database with its triggers."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from project.chaos import processes
from project.chaos.mother import Mother, Role
from project.chaos.proxy import Proxy
from project.chaos.servers import Servers, environment


class Stage:
    """`with Stage(options) as stage: stage.begin(roles)`. In the main thread of a process that has no other.

    Django is set up when the block begins: import what needs it inside.
    """

    def __init__(self, options: Namespace) -> None:
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="roundsman-chaos-"))
        self.folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
        self.servers: Servers
        self.mother: Mother
        self.proxy: Proxy | None = None
        self._ends: list[Callable[[], object]] = []

    def __enter__(self) -> Stage:
        signal.signal(signal.SIGTERM, _interrupt)
        if self.options.keep:
            tell(f"Logs and databases are in {self.folder}.")
        else:
            janitor = processes.janitor(self.folder)
            self._ends.append(lambda: processes.close(janitor))
        try:
            self.servers = Servers(self.folder, self.options.database)
            wanted = environment(self.servers, self.folder, self.options.lease, self.options.idle)
            os.environ.clear()
            os.environ.update(wanted)
            import django

            django.setup()
            from project.chaos import jobs  # noqa: F401  (declares them, for this process and its forks)
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self, roles: Mapping[str, Role], proxied: Sequence[int] = ()) -> None:
        """Mother, servers and proxy; and the database, with the ledger's tables and the triggers. Raises CannotStart."""
        self.mother = Mother(roles, self.folder / "logs")
        self._ends.append(self.mother.close)
        self._ends.append(self.servers.stop)
        tell("Starting the servers …")
        self.servers.start()
        if proxied:
            upstream = {"redis": self.servers.redis.port}
            if self.servers.postgres:
                upstream["database"] = self.servers.postgres.port
            names = [f"worker-{number}" for number in proxied]
            self.proxy = Proxy(names, upstream, self.folder / "logs" / "proxy.log")
            self._ends.append(self.proxy.close)
        self._migrate()

    def _migrate(self) -> None:
        """Our own connection is a plain one: no pool, and so no threads. Told by the run, not by the engine's log."""
        from django.core.management import call_command
        from django.db import connections

        from project.chaos import record
        from queues.ledger.queue_settings import ensure_queues

        logging.disable(logging.CRITICAL)
        if self.servers.postgres:
            connections.settings["default"]["OPTIONS"].pop("pool", None)
            connections.settings["default"]["OPTIONS"]["connect_timeout"] = 2
        call_command("migrate", verbosity=0)
        ensure_queues()
        record.install()

    def at(self, client: str = "") -> dict[str, Any]:
        """Where a client finds its servers: `aim`'s arguments."""
        if self.proxy is None or (client, "redis") not in self.proxy.ports:
            return {}
        database = self.proxy.ports.get((client, "database"))
        return {
            "redis_url": f"redis://127.0.0.1:{self.proxy.ports[client, 'redis']}/0",
            "database": {"PORT": str(database)} if database else {},
        }

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        from django.db import connections

        connections.close_all()
        while self._ends:
            try:
                self._ends.pop()()
            except (OSError, RuntimeError) as error:
                tell(f"At the end: {error}")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def tell(line: str) -> None:
    """To the person who waits."""
    print(line, file=sys.stderr, flush=True)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
