"""The demo from outside: one at a time, plain words when it cannot start, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {
    k: v
    for k, v in os.environ.items()
    if k not in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "ROUNDSMAN_TEST_DIR")
}


def demo(data_dir: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "demo", "--data-dir", str(data_dir), *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env={**CLEAN, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def told(data_dir: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    process = demo(data_dir, *arguments, **environment)
    text, _ = process.communicate(timeout=60)
    return process.returncode, text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processes_of(data_dir: Path) -> list[str]:
    """Command lines of what runs with this folder in its environment or arguments."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(data_dir).encode() in words and int(entry.name) != os.getpid():
            found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


def wait_until_up(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if "End it with Ctrl-C" in line:
            return
    raise AssertionError(seen)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}, "Is DATABASE_URL right"),
        ({"REDIS_URL": "http://x"}, "REDIS_URL"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "Is REDIS_URL right"),
        ({"WORKER_CONCURRENCY": "lots"}, "WORKER_CONCURRENCY"),
    ],
)
def test_a_wrong_setting_is_told_in_words(tmp_path: Path, environment: dict[str, str], words: str) -> None:
    code, text = told(tmp_path, "--check", **environment)
    assert code == 2 and words in text and "Traceback" not in text, text


def test_a_port_in_use_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, text = told(tmp_path, "--port", str(port))
    assert code == 2 and f"Port {port} is in use" in text and "--port" in text


@pytest.mark.parametrize(
    ("contents", "words"),
    [(None, "cannot be opened"), (b"", "is empty"), (b"\x00\x01", "binary"), (b"a\nb\n", "line 1")],
)
def test_an_unreadable_instance_is_told_with_its_line(tmp_path: Path, contents: bytes | None, words: str) -> None:
    file = tmp_path / "day.txt"
    if contents is not None:
        file.write_bytes(contents)
    code, text = told(tmp_path / "data", "--check", "--instance", str(file))
    assert code == 2 and words in text and "Traceback" not in text, text


@pytest.mark.slow
def test_a_second_demo_says_that_one_runs_and_the_first_ends_in_order(tmp_path: Path) -> None:
    first = demo(tmp_path, "--port", str(free_port()), "--budget", "60")
    try:
        wait_until_up(first)
        code, text = told(tmp_path, "--port", str(free_port()))
        assert code == 2 and "runs already" in text
        began = time.monotonic()
        first.send_signal(signal.SIGTERM)
        assert first.wait(15) == 0
        assert time.monotonic() - began < 10
        assert processes_of(tmp_path) == []
    finally:
        first.kill()
        first.communicate()


@pytest.mark.slow
def test_kill_minus_nine_leaves_no_process_and_the_run_goes_on_at_the_next_start(tmp_path: Path) -> None:
    first = demo(tmp_path, "--port", str(free_port()), "--budget", "10")
    wait_until_up(first)
    time.sleep(4)  # the first job is being planned
    assert len(processes_of(tmp_path)) >= 5
    first.kill()
    first.communicate()
    end = time.monotonic() + 5
    while processes_of(tmp_path) and time.monotonic() < end:
        time.sleep(0.1)
    assert processes_of(tmp_path) == []
    second = demo(tmp_path, "--port", str(free_port()))
    try:
        wait_until_up(second)
        import sqlite3

        end, state = time.monotonic() + 60, None
        while state != "succeeded" and time.monotonic() < end:
            with sqlite3.connect(tmp_path / "roundsman.sqlite3") as database:
                state, attempt, crashes = database.execute("SELECT state, attempt, crashes FROM queues_run").fetchone()
            database.close()
            time.sleep(0.5)
        assert (state, attempt, crashes) == ("succeeded", 2, 1)
    finally:
        second.send_signal(signal.SIGINT)
        second.communicate(timeout=20)


@pytest.mark.slow
def test_a_server_that_is_killed_is_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    process = demo(tmp_path, "--port", str(free_port()), "--budget", "12")
    try:
        wait_until_up(process)
        time.sleep(2)
        servers = [p for p in Path("/proc").glob("[0-9]*") if _runs(p, "valkey-server", str(tmp_path))]
        os.kill(int(servers[0].name), signal.SIGKILL)
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if "Planned 330 of 330 stops" in line:
                break
        assert "Planned 330" in seen
    finally:
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=20)
    assert "Traceback" not in seen + text


def _runs(entry: Path, name: str, folder: str) -> bool:
    try:
        words = (entry / "cmdline").read_text()
    except OSError:
        return False
    return name in words and folder in words
