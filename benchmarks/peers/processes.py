"""The worker processes of one configuration, its client, and how busy the machine is."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psutil

from benchmarks.peers.configs import Config
from benchmarks.peers.places import HERE, ROOT, VENVS, WORK


def tree(roots: Iterable[psutil.Process]) -> list[psutil.Process]:
    """The processes and all their descendants that live."""
    found = []
    for process in roots:
        try:
            found += [process, *process.children(recursive=True)]
        except psutil.Error:
            pass
    return found


def tree_cpu(roots: Iterable[psutil.Process]) -> float:
    """CPU seconds: user and system, of the tree and of its reaped children (so that forks count)."""
    spent = 0.0
    for process in tree(roots):
        try:
            spent += sum(process.cpu_times()[:4])
        except psutil.Error:
            pass
    return spent


def pss(pid: int) -> int:
    """Proportional set size in bytes: pages shared by n processes count 1/n. 0 where it cannot be read."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:")), 0)
    except OSError:
        return 0


_prctl = ctypes.CDLL(None).prctl
PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """For preexec_fn: the kernel ends the process with the bench, however that ends."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Workers:
    """The worker command(s) of a configuration, with `conc` jobs at once each. Peaks are in bytes."""

    def __init__(self, config: Config, env: Mapping[str, str], conc: int, extra: Sequence[str] = ()) -> None:
        self.peak_rss = self.peak_pss = self.peak_one = 0
        self._pss_at = 0.0
        self.log = open(WORK / f"worker-{config.adapter}.log", "w")  # noqa: SIM115  (closed by kill)
        self.procs: list[subprocess.Popen[bytes]] = []
        for command in [[*config.cmd, *extra]] * config.procs + list(config.extra_cmds):
            argv = [part.format(conc=conc, url=env["PB_REDIS_URL"], root=ROOT) for part in command]
            argv[0] = str(VENVS[config.venv] / "bin" / argv[0])
            started = subprocess.Popen(
                argv, env=dict(env), cwd=HERE, stdout=self.log, stderr=self.log, start_new_session=True,
                preexec_fn=die_with_parent,
            )  # fmt: skip
            self.procs.append(started)
        self.roots = [psutil.Process(started.pid) for started in self.procs]

    def sample(self) -> None:
        """Look at their memory now (the costly part every two seconds at most)."""
        living = tree(self.roots)
        sizes = [0]
        for process in living:
            try:
                sizes.append(process.memory_info().rss)
            except psutil.Error:
                pass
        self.peak_rss, self.peak_one = max(self.peak_rss, sum(sizes)), max(self.peak_one, *sizes)
        if time.time() - self._pss_at > 2:
            self._pss_at = time.time()
            self.peak_pss = max(self.peak_pss, sum(pss(process.pid) for process in living))

    def memory(self) -> dict[str, Any]:
        """`rss_mb`: of all processes, shared pages counted in each; `one_mb`: of the largest; `pss_mb`: counted once."""
        peaks = {"rss_mb": self.peak_rss, "one_mb": self.peak_one, "pss_mb": self.peak_pss}
        return {name: round(size / 2**20, 1) for name, size in peaks.items()} | {"procs": len(tree(self.roots))}

    def cpu(self) -> float:
        return tree_cpu(self.roots)

    def stop(self, within_s: float = 15.0) -> None:
        """SIGTERM, then `kill`."""
        for process in self.procs:
            process.terminate()
        end = time.monotonic() + within_s
        while time.monotonic() < end and any(process.poll() is None for process in self.procs):
            time.sleep(0.02)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to everything in the sessions started here, at once (a pod's or the OOM killer's way)."""
        sessions = {process.pid for process in self.procs}
        for _ in range(5):
            left = sorted(process.pid for process in psutil.process_iter() if _is_of(process, sessions))
            if not left:
                break
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.05)
        for process in self.procs:
            process.wait()
        self.log.close()


def _is_of(process: psutil.Process, sessions: set[int]) -> bool:
    try:
        return os.getsid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def client(config: Config, env: Mapping[str, str], *args: object, timeout: float = 120) -> dict[str, Any]:
    """Run client.py with the configuration's adapter. Raises RuntimeError with what it said."""
    python = str(VENVS[config.venv] / "bin" / "python")
    command = [python, str(HERE / "client.py"), config.adapter, *map(str, args)]
    ran = subprocess.run(command, env=dict(env), cwd=HERE, capture_output=True, text=True, timeout=timeout)
    for line in ran.stdout.splitlines():
        if line.startswith("RESULT "):
            answer: dict[str, Any] = json.loads(line[7:])
            return answer
    raise RuntimeError(f"client failed: {ran.stdout[-500:]} {ran.stderr[-1500:]}")


def busy() -> float:
    """CPU seconds that the whole machine has spent, all users together."""
    with open("/proc/stat") as file:
        spent = [int(x) for x in file.readline().split()[1:]]
    idle_and_guests = spent[3] + spent[4] + spent[8] + spent[9]
    return (sum(spent) - idle_and_guests) / os.sysconf("SC_CLK_TCK")


def wait_quiet(limit_s: float, others: float = 0.5) -> float:
    """Wait until the others on this machine use under `others` cores, at most `limit_s`. Returns how long it waited."""
    began = time.time()
    while True:
        before, at = busy(), time.time()
        time.sleep(0.6)
        used = (busy() - before) / (time.time() - at)
        if used < others or time.time() - began > limit_s:
            return round(time.time() - began, 1)
