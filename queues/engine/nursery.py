"""Where child processes come from: a helper process, forked before the worker has threads or connections, forks them.

Forking a process that has threads copies locks that nobody will release, and sockets that two would write to. The
helper has neither, and has every module loaded: a child costs a few milliseconds and shares its memory. Helper and
children end with the worker, however it ends: the kernel kills them, and they hear their socket close.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import socket
import struct
import sys
import threading
import time
from typing import Any, NoReturn

from queues.engine.wire import RULES, Wire
from queues.ledger import error_rules

log = logging.getLogger("roundsman.worker")
_ASK = struct.Struct(">cq")  # what, and its argument
_ANSWER = struct.Struct(">q")
_FORK, _REAP = b"f", b"r"
_PATIENCE_S = 0.5  # for a child whose socket has closed, to end by itself
_inherited: list[Any] = []  # never collected: their ends would speak to the parent's servers


class Child:
    """A child process: `wire` leads to it. Its death is seen as the wire's end."""

    def __init__(self, pid: int, wire: Wire, memory_limit_mb: int) -> None:
        self.pid, self.wire, self.memory_limit_mb = pid, wire, memory_limit_mb
        self.runs = 0
        self._told = b""  # the rules of staff that it goes by

    def teach(self) -> None:
        """Tell it how errors are judged, if that has changed since it was told. Raises OSError where it is gone."""
        told = error_rules.told()
        if told != self._told:
            self.wire.send(RULES, told)
            self._told = told

    def kill(self) -> None:
        try:
            os.kill(self.pid, signal.SIGKILL)  # not reaped before `Nursery.bury`, so the number is still its own
        except ProcessLookupError:
            pass


class Nursery:
    """`start()` early, from the main thread; else it starts with the first child, which is less clean."""

    def __init__(self) -> None:
        self._control: socket.socket | None = None
        self._pid = 0
        self._lock = threading.Lock()

    def start(self) -> None:
        """Fork the helper. Again where it is gone."""
        with self._lock:
            self._start()

    def child(self, memory_limit_mb: int) -> Child:
        """A new child process. Raises OSError where the machine has no more to give."""
        with self._lock:
            try:
                return self._child(memory_limit_mb)
            except OSError:
                self._drop()  # the helper may be gone: once more with another one
                return self._child(memory_limit_mb)

    def bury(self, child: Child) -> str:
        """Take note of a child's end, which must be near. How it died, in words."""
        child.wire.close()
        with self._lock:
            try:
                return _words(self._ask(_REAP, child.pid))
            except OSError:
                self._drop()
                return "It was lost together with the worker's helper process."

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _child(self, memory_limit_mb: int) -> Child:
        self._start()  # before the sockets are made: the helper must not hold an end of them
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = self._ask(_FORK, memory_limit_mb, theirs.fileno())
                if pid < 0:
                    raise OSError(-pid, os.strerror(-pid))
            except OSError:
                ours.close()
                raise
        return Child(pid, Wire(ours.detach()), memory_limit_mb)

    def _start(self) -> None:
        if self._control is not None:
            return
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _be_the_helper(theirs, ours, parent)
        theirs.close()
        ours.settimeout(10.0)
        self._control, self._pid = ours, pid

    def _drop(self) -> None:
        if self._control is None:
            return
        self._control.close()  # it ends its children and itself
        self._control = None
        end = time.monotonic() + 1.0
        try:
            while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
                if time.monotonic() > end:
                    os.kill(self._pid, signal.SIGKILL)
                time.sleep(0.002)
        except (ProcessLookupError, ChildProcessError):
            pass

    def _ask(self, what: bytes, argument: int, descriptor: int | None = None) -> int:
        if self._control is None:
            raise OSError("There is no helper process.")
        message = _ASK.pack(what, argument)
        if descriptor is None:
            self._control.sendall(message)
        else:
            socket.send_fds(self._control, [message], [descriptor])
        answer = self._control.recv(_ANSWER.size, socket.MSG_WAITALL)
        if len(answer) < _ANSWER.size:
            raise OSError("The helper process is gone.")
        return int(_ANSWER.unpack(answer)[0])


def _words(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        named = {sign.value: f" ({sign.name})" for sign in signal.Signals}  # the real-time ones have no name
        return f"Its process was killed by signal {number}{named.get(number, '')}."
    return f"Its process exited with code {os.WEXITSTATUS(status)}."


# --- the helper's side ---


def _be_the_helper(control: socket.socket, parents: socket.socket, parent: int) -> NoReturn:
    try:
        _die_with(parent)
        parents.close()
        _forget_connections()
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, _deaf)  # a handler, not SIG_IGN: what a job starts gets the default back
        _serve(control)
    except BaseException:
        log.exception("The worker's helper process failed; another one takes its place.")
    finally:
        os._exit(0)


def _serve(control: socket.socket) -> None:
    children: set[int] = set()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _ASK.size, 1)
        if len(message) < _ASK.size:
            break
        what, argument = _ASK.unpack(message)
        if what == _FORK:
            answer = _fork(control, descriptors[0], argument)
            if answer > 0:
                children.add(answer)
        else:
            answer = _reap(argument)
            children.discard(argument)
        for descriptor in descriptors:
            os.close(descriptor)
        control.sendall(_ANSWER.pack(answer))
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _fork(control: socket.socket, descriptor: int, memory_limit_mb: int) -> int:
    helper = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        return -(error.errno or 1)
    if pid:
        return pid
    try:
        from queues.engine import child

        _die_with(helper)
        control.close()
        child.serve(Wire(descriptor), memory_limit_mb)
    except BaseException:
        log.exception("A child process failed.")
        os._exit(70)
    os._exit(0)


def _reap(pid: int) -> int:
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return 0
        if ended:
            return status
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _forget_connections() -> None:
    """What was open before the fork is the parent's: it is neither used nor closed here."""
    from django.db import connections

    gc.freeze()
    for held in connections.all(initialized_only=True):
        _inherited.append(held.connection)
        held.connection = None
        held.in_atomic_block = False
        pools = getattr(type(held), "_connection_pools", None)
        if pools:
            _inherited.append(dict(pools))
            pools.clear()


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)


def _deaf(signum: int, frame: object) -> None:
    """The worker says when to stop."""
