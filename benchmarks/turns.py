"""One side of the gate: works a turn for each line it reads, so that two commits can work by turns on one machine.

    python benchmarks/turns.py TREE [--jobs 200] [--slots 2]     against DATABASE_URL and REDIS_URL

TREE is the checkout whose code works. Prints {"ready": true}, then for each line on standard input one JSON object: CPU
seconds of this process per 1,000 jobs enqueued one by one ("writer"), and worked by a worker that was already there
("consumer"), and the largest resident set so far in MB ("memory").
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time

PATIENCE_S = 60.0


def say(what: dict[str, object]) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--slots", type=int, default=2)
    options = parser.parse_args()
    sys.path[0] = options.tree  # this file's own folder is no place to import from
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.test")
    migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]  # in a process of its own, for the memory
    subprocess.run(migrate, cwd=options.tree, env={**os.environ, "PYTHONPATH": options.tree}, check=True)
    import django

    django.setup()
    from benchmarks.jobs import QUEUE, Work, work
    from queues.engine.rules import Rules
    from queues.engine.shop import Shop
    from queues.ledger.queue_settings import ensure_queues
    from queues.models import Queue, Run

    ensure_queues()
    Queue.objects.filter(name=QUEUE).update(concurrency=options.slots * 4)
    shop = Shop("gate", Rules(queues=[QUEUE], slots=options.slots))
    shop.paused = True
    worker = threading.Thread(target=shop.run, daemon=True)
    worker.start()
    say({"ready": True})
    for _ in sys.stdin:
        Run.objects.all().delete()
        before, began = shop.writer.recorded, time.process_time()
        for n in range(options.jobs):
            work.enqueue(Work(n=n))
        enqueued = time.process_time()
        shop.paused = False
        late = time.monotonic() + PATIENCE_S
        while shop.writer.recorded < before + options.jobs:
            if time.monotonic() > late or not worker.is_alive():
                sys.exit(f"{shop.writer.recorded - before} of {options.jobs} jobs were recorded")
            time.sleep(0.002)
        drained, shop.paused = time.process_time(), True
        per_1000 = 1000 / options.jobs
        say(
            {
                "writer": (enqueued - began) * per_1000,
                "consumer": (drained - enqueued) * per_1000,
                "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    shop.stop()
    worker.join(PATIENCE_S)


if __name__ == "__main__":
    main()
