"""A process with Django loaded, no connections and no threads, which forks workers and others on demand.

So a worker that was killed is there again after some twenty milliseconds, not after a second of imports. She sends the
signals too: she alone knows which of her children are not reaped yet, so none ever meets a stranger's process id.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from project.chaos import processes

Role = Callable[..., object]


@dataclass
class Child:
    """A forked process. `code`: None while it lives; negative: the signal that ended it. Times as of time.time()."""

    name: str
    pid: int
    born: float
    code: int | None = None
    ended: float = 0.0

    @property
    def alive(self) -> bool:
        return self.code is None


class Mother:
    """The run's end of the line to her."""

    def __init__(self, roles: Mapping[str, Role], logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self.logs = logs
        self.children: dict[str, Child] = {}
        self.pid, self._line = processes.forked_with_socket(partial(_serve, roles, logs), log=logs / "mother.log")
        self._rest = b""

    def start(self, name: str, role: str, arguments: Mapping[str, Any]) -> Child:
        """Fork a child that plays `role`; names are never used twice."""
        answer = self._ask({"do": "start", "name": name, "role": role, "arguments": dict(arguments)})
        child = self.children[name] = Child(name, answer["pid"], answer["at"])
        return child

    def strike(self, child: Child, sign: int, *, group: bool = False) -> float | None:
        """Send a signal to a child (`group`: and to its own children). Returns when; None if it was dead already."""
        answer = self._ask({"do": "signal", "name": child.name, "signal": int(sign), "group": group})
        at: float | None = answer["at"]
        return at

    def look(self) -> list[Child]:
        """Those that ended since the last look."""
        before = {name for name, child in self.children.items() if child.alive}
        while select.select([self._line], [], [], 0)[0]:
            self._read()
        return [self.children[name] for name in before if not self.children[name].alive]

    def end_all(self, within_s: float) -> list[str]:
        """SIGTERM to all, and SIGKILL to those who have not gone in time: their names."""
        for child in list(self.children.values()):
            if child.alive:
                self.strike(child, signal.SIGCONT, group=True)
                self.strike(child, signal.SIGTERM)
        until = time.monotonic() + within_s
        while any(child.alive for child in self.children.values()) and time.monotonic() < until:
            time.sleep(0.05)
            self.look()
        late = [child for child in self.children.values() if child.alive]
        for child in late:
            self.strike(child, signal.SIGKILL, group=True)
        return [child.name for child in late]

    def close(self) -> None:
        """She kills what is left and goes."""
        processes.close(self._line)
        os.waitpid(self.pid, 0)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._line.sendall(json.dumps(request).encode() + b"\n")
        while True:
            for answer in self._read():
                if "answer" in answer:
                    return answer

    def _read(self) -> list[dict[str, Any]]:
        data = self._line.recv(65536)
        if not data:
            raise RuntimeError(f"The mother process is gone; see {self.logs / 'mother.log'}.")
        *lines, self._rest = (self._rest + data).split(b"\n")
        told = [json.loads(line) for line in lines]
        for one in told:
            if "ended" in one:
                child = self.children[one["ended"]]
                child.code, child.ended = one["code"], one["at"]
        return told


def _serve(roles: Mapping[str, Role], logs: Path, line: socket.socket) -> None:
    """Her life: requests in, forks and reaps out, until the run is gone."""
    living: dict[int, str] = {}
    rest = b""
    while True:
        if select.select([line], [], [], 0.02)[0]:
            data = line.recv(65536)
            if not data:
                break
            *requests, rest = (rest + data).split(b"\n")
            for request in requests:
                _tell(line, _do(json.loads(request), roles, logs, living, line))
        _reap(living, line)
    for pid in living:
        os.killpg(pid, signal.SIGKILL)


def _do(
    request: dict[str, Any], roles: Mapping[str, Role], logs: Path, living: dict[int, str], line: socket.socket
) -> dict[str, Any]:
    name = request["name"]
    if request["do"] == "start":
        role = partial(roles[request["role"]], **request["arguments"])

        def play() -> None:
            line.close()
            role()

        pid = processes.fork(play, log=logs / f"{name.split('.')[0]}.log")
        living[pid] = name
        return {"answer": True, "pid": pid, "at": time.time()}
    pid = next((pid for pid, known in living.items() if known == name), 0)
    if not pid or os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
        return {"answer": True, "at": None}
    at = time.time()
    try:
        (os.killpg if request["group"] else os.kill)(pid, request["signal"])
    except ProcessLookupError:  # its group is not made yet
        os.kill(pid, request["signal"])
    return {"answer": True, "at": at}


def _reap(living: dict[int, str], line: socket.socket) -> None:
    while living:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        _tell(line, {"ended": living.pop(pid), "code": os.waitstatus_to_exitcode(status), "at": time.time()})


def _tell(line: socket.socket, answer: dict[str, Any]) -> None:
    line.sendall(json.dumps(answer).encode() + b"\n")
