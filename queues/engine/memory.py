"""How much memory a process has, and may have."""

from __future__ import annotations

import ctypes
import os
import resource
from contextlib import suppress
from pathlib import Path

M_ARENA_MAX = -8  # of glibc's malloc.h
HEADROOM = 1.25  # the kernel's limit over ours: the watch on resident memory comes first where it can


def rss_mb(pid: int | None = None) -> float:
    """Resident memory now, MB, of a process or of this one (its peak where the system tells no more); 0: not known."""
    try:
        pages = int(Path(f"/proc/{pid or 'self'}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return 0.0 if pid else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def few_arenas() -> None:
    """Have the C library share two heaps among all threads: else a worker with a hundred threads has dozens, each with
    its own waste. Where there is no such C library (macOS, musl), nothing happens. Call it before there are threads."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def limit(limit_mb: int) -> None:
    """So much more than this process has now, as the kernel counts it; what asks for more gets a MemoryError. 0: none."""
    now = _data_bytes()
    if limit_mb <= 0 or not now:
        return
    most = now + int(limit_mb * 1e6 * HEADROOM)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard == resource.RLIM_INFINITY or most < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _data_bytes() -> int:
    """This process's data segment; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:")), 0)
    except OSError:
        return 0
