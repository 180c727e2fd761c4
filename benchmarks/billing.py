#!/usr/bin/env python3
"""Bills two months of a made-up hauler and prints what a thousand documents cost: `python benchmarks/billing.py [--contracts 1000]`

One line for each database and month, and one of JSON at the end: documents, wall seconds and CPU seconds (ours, and the
server's) of preparing and finalising, by a thousand documents. Both are done by the jobs, as a worker does them; PDFs are
not made. The first month has no document before it, the second is compared with the first and has late events.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MONTHS = {"before": date(2026, 10, 1), "month": date(2026, 11, 1)}  # which events are recorded by then
ROW = "{:<11} {:>11} {:>10} {:>10} {:>10} {:>9} {:>12}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contracts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--databases", default="postgresql,sqlite")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measured(options.contracts, options.seed, options.child)))
        return 0
    print(ROW.format("database", "through", "documents", "prepare s", "finalise s", "CPU s", "server CPU s"))
    figures = [row for name in options.databases.split(",") for row in on(name, options.contracts, options.seed)]
    print(json.dumps({"unit": "seconds a 1,000 documents", "rows": figures}))
    return 0


def on(database: str, contracts: int, seed: int) -> list[dict[str, Any]]:
    """Both months on a database of their own. Raises RuntimeError with what the child said."""
    from project.embedded.postgres import EmbeddedPostgres

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)  # PostgreSQL's user must get through
        server = EmbeddedPostgres(path / "pg", settings=("shared_buffers=256MB",)) if database == "postgresql" else None
        try:
            url, pid = f"sqlite:///{path}/billing.sqlite3", 0
            if server is not None:
                server.folder.mkdir(mode=0o755)
                server.start()
                url, pid = server.url, server.process.pid if server.process else 0
            ran = subprocess.run(
                [sys.executable, __file__, "--child", str(pid), "--contracts", str(contracts), "--seed", str(seed)], cwd=ROOT,
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings.test", "DATABASE_URL": url}, capture_output=True, text=True,
            )  # fmt: skip
        finally:
            if server is not None:
                server.stop()
    if ran.returncode:
        raise RuntimeError(ran.stderr[-3000:])
    rows: list[dict[str, Any]] = json.loads(ran.stdout.strip().splitlines()[-1])
    for row in rows:
        row["database"] = database
        print(
            ROW.format(
                database,
                row["through"],
                row["documents"],
                *(row[n] for n in ("prepare", "finalise", "cpu", "server_cpu")),
            )
        )
    return rows


def measured(contracts: int, seed: int, server_pid: str) -> list[dict[str, Any]]:
    """In the child, whose database is empty."""
    import django

    django.setup()
    from django.core.management import call_command

    from queues.ledger.queue_settings import ensure_queues

    call_command("migrate", verbosity=0)
    ensure_queues()
    rows = []
    for events, through in MONTHS.items():
        sample = {"contracts": contracts, "seed": seed, "month": "2026-10", "events": events}
        call_command("sample_hauler", **sample, stdout=sys.stderr)
        rows.append(billed(through, int(server_pid)))
    return rows


def billed(through: date, server_pid: int) -> dict[str, Any]:
    from django.db import connection

    from billing.jobspecs.runs import OfRun, PrepareRun, finalise_run, prepare_run
    from billing.models import BillingRun
    from billing.services.approval import approve
    from queues.contract import Actor

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as autovacuum does by and by
    server, own = server_cpu_s(server_pid), time.process_time()
    prepare_s = timed(lambda: executed(prepare_run.enqueue(PrepareRun(through=through), actor=Actor("anna", "job"))))
    run = BillingRun.objects.get(through=through)
    approve(run, actor=Actor("bert", "admin", user_id=2), preview_hash=run.preview_hash)
    finalise_s = timed(lambda: executed(finalise_run.enqueue(OfRun(run=run.code), actor=Actor("bert", "job"))))
    own, server = time.process_time() - own, server_cpu_s(server_pid) - server
    documents = run.documents.count()
    shares = {"prepare": prepare_s, "finalise": finalise_s, "cpu": own, "server_cpu": server}
    return {
        "through": str(through), "documents": documents, "excluded": run.excluded, "wall_s": round(prepare_s + finalise_s, 2),
        **{name: round(value * 1000 / documents, 2) for name, value in shares.items()},
    }  # fmt: skip


def executed(ref: Any) -> None:
    """As a worker does it: claimed, executed, finished."""
    from queues.engine.context import RunContext
    from queues.engine.execute import execute
    from queues.ledger import runs
    from queues.models import Run

    batch = runs.claim("billing", [ref.id], worker_id=ref.id, slots=1).batches[0]
    ending = execute(RunContext(batch.claims[0], batch.claims[0].claimed_at))
    if ending is None:
        raise RuntimeError("The lease was lost.")
    runs.finish([ending], slots=[batch.token])
    run = Run.objects.get(pk=ref.id)
    if run.state != "succeeded":
        raise RuntimeError(f"{run.job} is {run.state}: {run.error_message}\n{run.error_detail}")


def timed(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def server_cpu_s(pid: int) -> float:
    """Of the server's processes, so far."""
    import psutil

    if not pid:
        return 0.0
    first = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:4]) for each in [first, *first.children(recursive=True)])


if __name__ == "__main__":
    sys.exit(main())
