"""`python -m benchmarks.stand.fairness BACKLOG ASKED`: one key's backlog, then single jobs of other keys, one after another."""

from __future__ import annotations

import json
import statistics
import sys
import time

import django

GIVE_UP_S = 30.0  # on one job; then no other is asked for


def main(backlog: int, asked: int) -> None:
    django.setup()
    from pbrec import rec
    from pbtask import payload

    from benchmarks.stand.jobs import Message, Work, work

    def params(i: int) -> Work:
        return Work(i=i, msg=Message(**payload()))

    recorder = rec()
    work.enqueue_many([params(i) for i in range(backlog)], concurrency_key="hog")
    end = time.time() + GIVE_UP_S
    while recorder.n_ended(0, backlog) < backlog * 0.02 and time.time() < end:
        time.sleep(0.05)
    waits = []
    for k in range(asked):
        i, began = backlog + k, time.time()
        work.enqueue(params(i), concurrency_key=f"other-{k}")
        while recorder.n_started(i, i + 1) == 0 and time.time() - began < GIVE_UP_S:
            time.sleep(0.001)
        waits.append((recorder.first_start(i) or time.time()) - began)
        if waits[-1] >= GIVE_UP_S:
            break
        time.sleep(0.1)
    print(json.dumps({"p50_s": round(statistics.median(waits), 4), "max_s": round(max(waits), 4), "n": len(waits)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
