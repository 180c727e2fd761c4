"""Starts solver children, listens to them without blocking, and ends them. No Django."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Child:
    """One solver process. `routes` and `miles` are the best it has told so far; `done` is set by its last line."""

    def __init__(self, name: str, task: dict[str, Any]) -> None:
        self.name = name
        self.routes: list[list[int]] | None = None
        self.miles = float("inf")
        self.iterations = 0
        self.done = False
        self.gone = False
        self._tail = b""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        with tempfile.TemporaryFile() as stdin:  # a file and not a pipe: the parent never waits for a slow reader
            stdin.write(json.dumps({**task, "parent": os.getpid()}).encode())
            stdin.seek(0)
            self.process = subprocess.Popen(
                [sys.executable, "-m", "routing.solve_child"], stdin=stdin, stdout=subprocess.PIPE, stderr=self._errors,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": path}, start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        self.out: IO[bytes] = self.process.stdout
        os.set_blocking(self.out.fileno(), False)

    def read(self) -> None:
        """Takes in what the child has written; marks it gone at the end of its output."""
        while True:
            try:
                chunk = os.read(self.out.fileno(), 1 << 16)
            except BlockingIOError:
                return
            if not chunk:
                self.gone = True
                return
            *lines, self._tail = (self._tail + chunk).split(b"\n")
            for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if told.get("routes") is not None:
                self.routes, self.miles = told["routes"], told.get("miles", told.get("best_miles"))
            self.iterations = told.get("iterations", self.iterations)
            self.done = self.done or bool(told.get("done"))

    def complaint(self) -> str:
        """The last line the child wrote to stderr."""
        self._errors.seek(0)
        return self._errors.read()[-2000:].decode(errors="replace").strip().rpartition("\n")[2]

    def end(self) -> None:
        """Kills the child if it still runs, and waits for it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.out.close()
        self._errors.close()


class Brood(contextlib.AbstractContextManager["Brood"]):
    """Several children at once. Leaving the `with` block ends every one of them, whatever happened inside."""

    def __init__(self, tasks: dict[str, dict[str, Any]]) -> None:
        self.children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        try:
            for name, task in tasks.items():
                self.children.append(Child(name, task))
                self._selector.register(self.children[-1].out, selectors.EVENT_READ, self.children[-1])
        except BaseException:
            self.__exit__()
            raise

    def listen(self, seconds: float) -> None:
        """Waits up to `seconds` for news and takes them in."""
        for key, _ in self._selector.select(max(0.0, seconds)):
            child: Child = key.data
            child.read()
            if child.gone:
                self._selector.unregister(child.out)

    @property
    def finished(self) -> bool:
        return all(child.done or child.gone for child in self.children)

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for child in self.children:
            child.end()
