"""`manage.py test`: every test that needs no more than Python, in one process more than there are cores (many tests wait); further arguments go to pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """Returns pytest's exit code."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    environment["DJANGO_SETTINGS_MODULE"] = "project.settings.test"
    command = [sys.executable, "-m", "pytest", *(arguments or ["-q", "-n", str((os.cpu_count() or 1) + 1)])]
    return subprocess.call(command, cwd=ROOT, env=environment)
