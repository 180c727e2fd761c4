"""The demo's processes: started together, started again when one dies, ended in order."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from project.embedded.process import spawn

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 30.0  # a child that has lived so long starts its backoff anew


@dataclass
class Child:
    """A command that should be running. `stop_s`: how long it may take to end."""

    name: str
    command: Sequence[str]
    stop_s: float = 3.0
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    failures: int = 0
    not_before_s: float = 0.0


@dataclass
class Supervisor:
    """`children` are started in their order and ended in the opposite one, those of the same `stage` together."""

    env: Mapping[str, str]
    log_dir: Path
    say: Callable[[str], None]
    stages: list[list[Child]] = field(default_factory=list)

    def add(self, *children: Child) -> None:
        self.stages.append(list(children))

    def start(self) -> None:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        for stage in self.stages:
            for child in stage:
                self._start(child)

    def look(self) -> None:
        """Start what has died again, later each time."""
        now_s = time.monotonic()
        for child in (child for stage in self.stages for child in stage):
            if child.process is not None and child.process.poll() is not None:
                if now_s - child.started_s > PATIENCE_S:
                    child.failures = 0
                child.failures += 1
                wait_s = min(30.0, 0.5 * 2 ** (child.failures - 1))
                child.not_before_s = now_s + wait_s
                self.say(
                    f"{child.name} ended ({_why(child.process.returncode)}); it starts again in {wait_s:g} s. Log: {self.log_path(child)}"
                )
                child.process = None
            elif child.process is None and now_s >= child.not_before_s:
                self._start(child)

    def stop(self, timeout_s: float = 8.0) -> None:
        """Stage by stage from the last: SIGTERM, a wait, SIGKILL. Within `timeout_s` altogether."""
        end_s = time.monotonic() + timeout_s
        for stage in reversed(self.stages):
            running = [child for child in stage if child.process is not None and child.process.poll() is None]
            for child in running:
                if child.process is not None:
                    child.process.terminate()
            for child in running:
                if child.process is None:
                    continue
                try:
                    child.process.wait(max(0.1, min(child.stop_s, end_s - time.monotonic())))
                except subprocess.TimeoutExpired:
                    child.process.kill()
                    child.process.wait()

    def log_path(self, child: Child) -> Path:
        return self.log_dir / f"{child.name.replace(' ', '-')}.log"

    def _start(self, child: Child) -> None:
        with self.log_path(child).open("ab") as log:
            child.process = spawn(child.command, env=self.env, log=log)
        child.started_s = time.monotonic()


def manage(*arguments: str) -> list[str]:
    """A management command as a child's command line."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def _why(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
