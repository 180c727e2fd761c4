#!/usr/bin/env python3
"""What fork + exit + wait costs here in a process that has imported rq: the floor of a fork per job."""

import os
import resource
import time

import rq  # noqa: F401  what a work horse inherits


def once(n=300):
    c0, s0, t0 = (
        resource.getrusage(resource.RUSAGE_CHILDREN),
        resource.getrusage(resource.RUSAGE_SELF),
        time.perf_counter(),
    )
    for _ in range(n):
        p = os.fork()
        if p == 0:
            os._exit(0)
        os.waitpid(p, 0)
    w = time.perf_counter() - t0
    c1, s1 = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
    cpu = sum(x.ru_utime + x.ru_stime for x in (c1, s1)) - sum(x.ru_utime + x.ru_stime for x in (c0, s0))
    print(f"{n / w:.0f} forks/s, {cpu / n * 1000:.2f} ms CPU each")


for _ in range(3):
    once()
