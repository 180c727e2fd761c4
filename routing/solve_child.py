"""The solver's child process: `python -m routing.solve_child`. One JSON object on stdin, JSON lines on stdout.

A line {"best_miles", "elapsed_s", "routes"?} about each second, and at last {"done": true, "routes", "miles", "iterations"}.
The process dies with its parent: the kernel kills it when the parent ends, however the parent ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Asks the kernel for SIGKILL when the parent ends; ends at once when the parent is gone already. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(3)


def main() -> None:
    """Reads the task, searches, and writes what it finds."""
    began = time.monotonic()
    task: dict[str, Any] = json.load(sys.stdin)
    die_with(task["parent"])

    from routing.instances import Instance
    from routing.search import search
    from routing.setting import Setting

    def write(line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    def report(miles: float, routes: list[list[int]] | None) -> None:
        line: dict[str, Any] = {"best_miles": miles, "elapsed_s": round(time.monotonic() - began, 2)}
        write({**line, "routes": routes} if routes is not None else line)

    found = search(
        Instance.from_dict(task["instance"]),
        task["first"],
        Setting(**task["setting"]),
        deadline=task["deadline"],
        seed=task["seed"],
        vehicles=task["vehicles"],
        max_iterations=task["max_iterations"],
        count_stops=task["count_stops"],
        report=report,
    )
    write({"done": True, "routes": found.routes, "miles": found.miles, "iterations": found.iterations})


if __name__ == "__main__":
    main()
