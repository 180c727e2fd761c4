"""A small chaos run as a person starts it, on the embedded servers; and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), "chaos", "--database", "embedded", *arguments]


def family(folder: Path) -> set[int]:
    """Processes that know of a folder."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue
    return found - {os.getpid()}


@pytest.mark.slow
def test_a_small_run_loses_nothing(tmp_path: Path) -> None:
    ran = subprocess.run(
        command("--jobs", "60", "--max-recovery", "60"),
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert (told["lost"], told["duplicate_effects"], told["overlaps"], told["effects_outside_lease"]) == (0, 0, 0, 0)
    assert told["completed"] == told["jobs"] >= 60
    assert told["kills"]["sigkill"] >= 1


def test_a_run_that_is_killed_leaves_no_process_and_no_folder(tmp_path: Path) -> None:
    run = subprocess.Popen(
        command("--jobs", "500"),
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while not list(tmp_path.glob("roundsman-chaos-*/logs/worker-*.log")):
            assert time.monotonic() < end, "it did not start"
            assert run.poll() is None
            time.sleep(0.1)
        run.send_signal(signal.SIGKILL)
        run.wait()
        end = time.monotonic() + 15
        while (family(tmp_path) or list(tmp_path.iterdir())) and time.monotonic() < end:
            time.sleep(0.1)
        assert not family(tmp_path)
        assert not list(tmp_path.iterdir())
    finally:
        run.kill()
        run.wait()
