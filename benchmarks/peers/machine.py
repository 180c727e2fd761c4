"""What was measured on: one row, so that results say it themselves."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.peers.servers import postgres_program, program


def machine(rounds: int, scale: float) -> dict[str, Any]:
    """Processor, kernel, versions, date. `shown`: what a reader wants, in order."""
    facts: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": f"{os.cpu_count()} × {_cpu()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        "system": f"{_system()}, Linux {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": _version([postgres_program("postgres"), "--version"]),
        "Redis": _version([program("redis-server", "redis-server"), "--version"]),
        "rounds": rounds,
        "scale": scale,
    }
    return {"test": "machine", "config": "", "round": 0, **facts, "shown": list(facts)[:7]}


def _version(command: list[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True).stdout.split()
    return next((word.removeprefix("v=") for word in said if word.removeprefix("v=")[:1].isdigit()), "?")


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"
