"""Our own ledger, made new before each measurement: a copy of a pristine one."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from pathlib import Path

from benchmarks.peers.configs import Config
from benchmarks.peers.ours import ENV, QUEUE
from benchmarks.peers.places import (
    OURS,
    OURS_TEMPLATE,
    PG_PORT,
    ROOT,
    SQLITE,
    SQLITE_TEMPLATE,
    VENVS,
    environment,
)
from benchmarks.peers.servers import psql


def prepare(configs: Iterable[Config]) -> None:
    """Make the pristine ledgers that `reset` copies, with this checkout's migrations."""
    homes = {config.home for config in configs} - {""}
    if "postgres" in homes:
        for database in (OURS, OURS_TEMPLATE):
            psql("postgres", f"drop database if exists {database} with (force)")
        psql("postgres", f"create database {OURS_TEMPLATE}")
        _migrate(f"postgres://postgres@127.0.0.1:{PG_PORT}/{OURS_TEMPLATE}")
    if "sqlite" in homes:
        _remove(SQLITE_TEMPLATE)
        _migrate(f"sqlite:///{SQLITE_TEMPLATE}")


def reset(config: Config, conc: int) -> None:
    """A ledger with nothing in it, whose queue takes `conc` jobs at once in each process and has room for more."""
    update = f"update queues_queue set concurrency = {4 * conc * config.procs}, executor = '{config.executor}' where name = '{QUEUE}'"
    if config.home == "postgres":
        psql("postgres", f"drop database if exists {OURS} with (force)")
        psql("postgres", f"create database {OURS} template {OURS_TEMPLATE}")
        psql(OURS, update)
    else:
        _remove(SQLITE)
        shutil.copy(SQLITE_TEMPLATE, SQLITE)
        with sqlite3.connect(SQLITE) as connection:
            connection.execute(update)
        connection.close()


def _migrate(database_url: str) -> None:
    command = [str(VENVS["roundsman"] / "bin" / "python"), "-m", "benchmarks.stand.prepare"]
    ran = subprocess.run(
        command, cwd=ROOT, env=environment({**ENV, "DATABASE_URL": database_url}), capture_output=True, text=True
    )
    if ran.returncode:
        raise SystemExit(f"Roundsman's tables could not be made in {database_url}:\n{ran.stderr[-3000:]}")


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)
