"""How fast the API answers with a million runs in the table: `python -m benchmarks.reads [--runs 1000000] [--seconds 120]`.

It starts a PostgreSQL, a Redis and web servers of its own, on loopback and in a temporary folder, and ends them. Every read
address is asked by turns, `--rate` a second from 20 clients, on time whether or not the last answer is late; then jobs are
created, beside a bare DRF view that stores one row, each on a server of its own. The last line of stdout is one JSON
object; the exit code is 1 where a floor (benchmarks/reads/report.py) does not hold. `--out` adds the figures to a file of
rows, from which `python -m benchmarks.page` makes docs/explanation/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.reads.measure import creation, reads
from benchmarks.reads.report import broken, table
from benchmarks.reads.stage import Stage


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=50.0, help="reads a second, offered")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reads-", ignore_cleanup_errors=True) as name, Stage(Path(name)) as stage:
        facts = stage.prepare(options.runs)
        plans = stage.plans(facts)
        web, bare = stage.web(), stage.bare()
        read = asyncio.run(reads(web, facts, rate_s=options.rate, seconds=options.seconds))
        made = asyncio.run(creation(web, bare, facts, seconds=options.seconds / 4))
    print(table(read["addresses"], plans), file=sys.stderr)
    faults = broken(read, made, plans)
    for fault in faults:
        print(fault, file=sys.stderr)
    figures = {"runs": options.runs, **{k: v for k, v in read.items() if k != "addresses"}, "creation": made}
    figures["slowest"] = max(read["addresses"], key=lambda name: read["addresses"][name]["p95"])
    figures["slowest_p95"] = read["addresses"][figures["slowest"]]["p95"]
    figures["rows_read"] = max(plan["rows"] for plan in plans.values())
    if options.out:
        with options.out.open("a") as file:
            file.write(json.dumps({"test": "reads", "config": "roundsman", "round": 0, **figures}) + "\n")
    print(json.dumps(figures))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
