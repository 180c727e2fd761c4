"""Processes that fork, and end with their parent: the base of the mother, the proxy and the janitor."""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from project.embedded.process import PR_SET_PDEATHSIG

_own: set[int] = set()  # descriptors of this process that none of its forks may keep open


def die_with_parent(parent: int) -> None:
    """On Linux the kernel ends this process with its parent; elsewhere it hears of it at its socket's end."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def fork(call: Callable[[], object], *, log: Path | None = None) -> int:
    """Run `call` in a forked process, in a group of its own; it ends there, whatever happens. Returns its id."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if not pid:
        _be_the_child(call, parent, log)
    return pid


def _be_the_child(call: Callable[[], object], parent: int, log: Path | None) -> NoReturn:
    code = 1
    try:
        os.setpgid(0, 0)
        die_with_parent(parent)
        signal.set_wakeup_fd(-1)
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(sign, signal.SIG_DFL)
        for descriptor in _own:
            os.close(descriptor)
        _own.clear()
        if log is not None:
            target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(target, 1)
            os.dup2(target, 2)
            os.close(target)
        call()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def forked_with_socket(
    call: Callable[[socket.socket], object], *, log: Path | None = None
) -> tuple[int, socket.socket]:
    """As `fork`; parent and child hold the two ends of a socket. The child's end answers b"" when the parent is gone."""
    ours, theirs = socket.socketpair()
    _own.add(ours.fileno())
    pid = fork(lambda: call(theirs), log=log)
    theirs.close()
    return pid, ours


def close(ours: socket.socket) -> None:
    """Give a socket of `forked_with_socket` up: the child sees the end."""
    _own.discard(ours.fileno())
    ours.close()


def janitor(folder: Path) -> socket.socket:
    """A process that removes `folder` when this one is gone, however it ended. It ends itself then."""

    def wait(end: socket.socket) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, 0)
        select.select([end], [], [])
        for _ in range(20):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                return
            select.select([], [], [], 0.1)  # somebody who is just ending wrote into it

    return forked_with_socket(wait)[1]
