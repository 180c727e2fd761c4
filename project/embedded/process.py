"""Child processes that do not outlive their parent, whatever happens to it."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    log: IO[Any] | None = None,
    user: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a process group of its own (Ctrl-C reaches the parent alone), killed when the parent dies.

    `user`: the uid it runs as, for root to give up its rights.
    Call it from the main thread: on Linux the kernel ends the child with the thread that forked it.
    """
    options: dict[str, Any] = {
        "env": env,
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": log,
        "process_group": 0,
    }
    if user is not None:
        options |= {"user": user, "group": pwd.getpwuid(user).pw_gid, "extra_groups": []}
    if sys.platform == "linux":
        parent, prctl = os.getpid(), ctypes.CDLL(None, use_errno=True).prctl

        def die_with_parent() -> None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died between fork and prctl
                os._exit(1)

        return subprocess.Popen(command, preexec_fn=die_with_parent, **options)
    guard = [sys.executable, str(Path(__file__)), str(os.getpid()), *command]
    return subprocess.Popen(guard, **options)


def stop(process: subprocess.Popen[bytes], timeout_s: float) -> None:
    """SIGTERM, and SIGKILL when the time is over."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A loopback TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _guard(parent: int, command: list[str]) -> int:
    """Where the kernel does not do it: ask twice a second whether the parent still lives."""
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while child.poll() is None:
        if os.getppid() != parent:
            child.kill()
        time.sleep(0.5)
    return child.returncode


if __name__ == "__main__":
    sys.exit(_guard(int(sys.argv[1]), sys.argv[2:]))
