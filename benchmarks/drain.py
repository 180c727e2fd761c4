"""How fast one worker process drains no-op jobs: prints one JSON object with jobs/s and CPU seconds per 1,000 jobs.

python benchmarks/drain.py [--jobs 3000] [--slots 2]     against DATABASE_URL and REDIS_URL
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--slots", type=int, default=2)
    options = parser.parse_args()
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.test")
    django.setup()
    from django.core.management import call_command

    from benchmarks.jobs import QUEUE, Work, work
    from queues.engine.broker import connection
    from queues.engine.rules import Rules
    from queues.engine.shop import Shop
    from queues.ledger.queue_settings import ensure_queues
    from queues.models import Queue, Run

    call_command("migrate", verbosity=0)
    connection("queue").flushdb()
    Run.objects.all().delete()
    ensure_queues()
    Queue.objects.filter(name=QUEUE).update(concurrency=options.slots * 4)
    began = time.perf_counter()
    work.enqueue_many([Work(n=n) for n in range(options.jobs)])
    bulk_s = time.perf_counter() - began
    shop = Shop("benchmark", Rules(queues=[QUEUE], slots=options.slots, burst=True))
    began, cpu = time.perf_counter(), time.process_time()
    done = shop.run()
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    if done != options.jobs:
        sys.exit(f"{done} of {options.jobs} jobs were recorded")
    answer = {
        "jobs": done,
        "drain_per_s": round(done / wall_s),
        "worker_cpu_s_per_1000": round(cpu_s / done * 1000, 4),
        "bulk_per_s": round(options.jobs / bulk_s),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
