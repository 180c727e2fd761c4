"""The one command starts from a bare Python, and says what is wrong with what it is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).resolve().parents[2] / "benchmarks" / "run.py"


def _run(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", "-S", str(RUN), *args], capture_output=True, text=True)


def test_it_needs_no_package_before_it_has_installed_them() -> None:
    ran = _run("--help")
    assert ran.returncode == 0, ran.stderr
    assert "--quick" in ran.stdout


def test_without_a_kind_of_run_it_asks_for_one() -> None:
    ran = _run()
    assert ran.returncode == 2
    assert "--quick" in ran.stderr and "--full" in ran.stderr
