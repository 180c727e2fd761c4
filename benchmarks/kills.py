"""Kills workers at random under load and counts what was lost or doubled; exit 1 unless both are none.

    python benchmarks/kills.py [--jobs 1500] [--kills 8] [--seed 1]     against DATABASE_URL and REDIS_URL

Three worker processes run 50 ms jobs with one effect each. Half the kills are SIGKILL, half SIGTERM; a new worker takes
each one's place; Redis is flushed once on the way. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def serve() -> None:
    from benchmarks import jobs
    from queues.engine.shop import Rules, Shop

    shop = Shop(f"kills-{os.getpid()}", Rules(queues=[jobs.QUEUE], slots=3, grace_s=5))
    signal.signal(signal.SIGTERM, lambda *_: shop.stop())
    shop.run()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1500)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.test")
    django.setup()
    if options.serve:
        serve()
        return 0
    from django.core.management import call_command

    from benchmarks.jobs import QUEUE, Work, work
    from queues.engine.broker import connection
    from queues.ledger.queue_settings import ensure_queues
    from queues.models import EffectRecord, Queue, Run, Slot

    call_command("migrate", verbosity=0)
    connection("queue").flushdb()
    Run.objects.all().delete()
    EffectRecord.objects.all().delete()
    ensure_queues()
    Queue.objects.filter(name=QUEUE).update(concurrency=9)
    work.enqueue_many([Work(n=n, wait_s=0.05, effect=True) for n in range(options.jobs)])
    rng, kills = random.Random(options.seed), Counter[str]()
    start = lambda: subprocess.Popen([sys.executable, __file__, "--serve"], cwd=ROOT)  # noqa: E731
    workers = [start() for _ in range(3)]
    until, wait = time.monotonic() + 120 + options.jobs * 0.05, threading.Event()
    live = Run.objects.filter(state__in=["scheduled", "pending", "running"])
    try:
        wait.wait(2.0)
        while live.exists() and time.monotonic() < until:
            wait.wait(rng.uniform(0.2, 0.8))
            if sum(kills.values()) < options.kills:
                victim = workers.pop(rng.randrange(len(workers)))
                sign = rng.choice([signal.SIGKILL, signal.SIGTERM])
                victim.send_signal(sign)
                kills[sign.name] += 1
                workers.append(start())
                if sum(kills.values()) == options.kills // 2:
                    connection("queue").flushdb()
                    kills["FLUSHDB"] = 1
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(20)
    done = Run.objects.filter(state="succeeded").count()
    effects = EffectRecord.objects.count()
    answer = {
        "jobs": options.jobs,
        "completed": done,
        "lost": options.jobs - done,
        "missing_effects": options.jobs - effects,
        "reran": Run.objects.filter(attempt__gt=1).count(),
        "slots_left": Slot.objects.count(),
        "kills": dict(kills),
        "seed": options.seed,
    }
    print(json.dumps(answer))
    return 0 if (answer["lost"], answer["missing_effects"], answer["slots_left"]) == (0, 0, 0) else 1


if __name__ == "__main__":
    sys.exit(main())
