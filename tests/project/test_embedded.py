"""The embedded server and the demo's processes: they start, keep their data, and never outlive their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from project.embedded.valkey import EmbeddedValkey
from project.supervisor import Child, Supervisor

ROOT = Path(__file__).resolve().parents[2]


def gone(pid: int, within_s: float = 5.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
            if (
                Path(f"/proc/{pid}/stat").exists()
                and Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
            ):
                return True
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_the_server_keeps_its_data_over_an_orderly_end(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "v") as server:
        redis.Redis.from_url(server.url).set("kept", "yes")
    with EmbeddedValkey(tmp_path / "v") as server:
        assert redis.Redis.from_url(server.url).get("kept") == b"yes"


def test_a_folder_with_a_long_path_gets_a_port_instead_of_a_socket(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / ("x" * 90)) as server:
        assert server.url.startswith("redis://127.0.0.1:") and server.answers()


def test_a_server_that_cannot_start_tells_why(tmp_path: Path) -> None:
    folder = tmp_path / "v"
    (folder / "appendonlydir").mkdir(parents=True)
    (folder / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense")
    with pytest.raises(RuntimeError, match="did not start"):
        EmbeddedValkey(folder).start(timeout_s=3)


def test_a_parent_killed_with_kill_minus_nine_leaves_no_process(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from project.embedded.valkey import EmbeddedValkey;"
        "from project.embedded.process import spawn; s = EmbeddedValkey(Path(sys.argv[1])); s.start();"
        "c = spawn([sys.executable, '-c', 'import time; time.sleep(60)']); print(s.process.pid, c.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "v")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert all(gone(pid) for pid in children)


def supervisor(tmp_path: Path, *children: Child) -> Supervisor:
    told: list[str] = []
    made = Supervisor(dict(os.environ), tmp_path / "logs", told.append)
    made.add(*children)
    return made


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    child = Child("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"])
    watched = supervisor(tmp_path, child)
    watched.start()
    try:
        assert child.process is not None
        first = child.process.pid
        child.process.kill()
        child.process.wait()
        watched.look()
        child.not_before_s = 0
        watched.look()
        assert child.process is not None and child.process.pid != first
    finally:
        watched.stop(5)


def test_a_child_that_is_deaf_is_killed_in_time(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    child = Child("deaf", [sys.executable, "-c", deaf], stop_s=0.5)
    watched = supervisor(tmp_path, child)
    watched.start()
    while "ready" not in watched.log_path(child).read_text():
        time.sleep(0.05)
    began = time.monotonic()
    watched.stop(3)
    assert child.process is not None and child.process.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 3
