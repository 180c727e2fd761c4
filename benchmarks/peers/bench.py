"""Side-by-side benchmark of Python job queues: `python -m benchmarks.peers.bench`. See README.md beside this file.

Every figure is taken in interleaved rounds (all configurations once, then again). All servers are started here, on
loopback, and only processes started here are ended. One JSON object a row, to stdout and to --out.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.own.api import api
from benchmarks.own.commit import commit
from benchmarks.own.depth import depth
from benchmarks.own.doorbell import flow, footprint
from benchmarks.own.fairness import fairness
from benchmarks.own.memory import memory
from benchmarks.peers import ledgers
from benchmarks.peers.configs import Config
from benchmarks.peers.crash import crash
from benchmarks.peers.machine import machine
from benchmarks.peers.places import REDIS_PORTS, WORK
from benchmarks.peers.processes import wait_quiet
from benchmarks.peers.servers import Servers
from benchmarks.peers.sets import EVERY, named
from benchmarks.peers.trials import Bench, Row

Trial = Callable[[Bench, Config, str], Row]
TRIALS: dict[str, Trial] = {
    "single": Bench.single,
    "bulk": Bench.bulk,
    "drain": Bench.drain,
    "drain2": Bench.drain,
    "scaling": Bench.drain,
    "io50": partial(Bench.io, conc=50),
    "io100": partial(Bench.io, conc=100),
    "latency": Bench.latency,
    "at": Bench.at,
    "crash": crash,
    "commit": commit,
    "flow": flow,
    "footprint": footprint,
    "fairness": fairness,
    "memory": memory,
    "depth": depth,
    "api": api,
}

TAKES_S = {
    "depth": 110,
    "memory": 40,
    "api": 45,
    "crash": 30,
    "fairness": 40,
    "footprint": 8,
    "single": 12,
    "bulk": 8,
}  # about


def main(argv: list[str] | None = None) -> int:
    options = parse(argv)
    plan = [
        (test, options.configs.split(",") if options.configs else named(options.set, test))
        for test in options.tests.split(",")
    ]
    configs = [EVERY[name] for name in sorted({name for _, names in plan for name in names})]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    servers = Servers(
        need_pg=any(config.pg for config in configs), need_valkey=any(config.redis == "valkey" for config in configs)
    )
    try:
        ledgers.prepare(configs)
        tell(machine(options.rounds, options.scale), options.out)
        bench = Bench(
            servers,
            scale=options.scale,
            n_single=options.n_single,
            n_bulk=options.n_bulk,
            max_drain_s=options.max_drain,
        )
        for test, names in plan:
            for number in range(options.rounds):
                for name in names if number % 2 == 0 else names[::-1]:
                    if options.until and time.time() + TAKES_S.get(test, 20) > options.until:
                        print(f"       no time left for {test} of {name}", file=sys.stderr)
                        continue
                    one(bench, test, number, name, options)
    finally:
        servers.stop()
    return 0


def one(bench: Bench, test: str, number: int, name: str, options: argparse.Namespace) -> None:
    """Measure one configuration once. What fails becomes a row with its error."""
    config, waited, began = EVERY[name], wait_quiet(options.quiet) if options.quiet else 0, time.time()
    redis = config.redis or options.redis
    try:
        figures = TRIALS[test](bench, config, redis)
    except Exception as error:
        figures = {"error": f"{type(error).__name__}: {str(error)[-1800:]}"}
    row = {
        "test": test, "round": number, "config": name, "redis": options.redis, "set": options.set,
        "took": round(time.time() - began, 1), "waited": waited, "load": round(os.getloadavg()[0], 2),
    } | figures  # fmt: skip
    tell(row, options.out)


def tell(row: Row, out: Path) -> None:
    """Append the row to the results, and say it."""
    print(json.dumps(row), flush=True)
    with out.open("a") as file:
        file.write(json.dumps(row) + "\n")


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", default="drain,single,crash,io50,io100,latency,bulk,at")
    parser.add_argument("--set", default="", help="a named set of configurations per test (sets.py), or give --configs")
    parser.add_argument("--configs", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--redis", default="mem", choices=list(REDIS_PORTS))
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the job counts of drain")
    parser.add_argument("--n-single", type=int, default=3000)
    parser.add_argument("--n-bulk", type=int, default=10_000)
    parser.add_argument(
        "--quiet", type=float, default=10, help="wait at most so many s for a quiet machine before each"
    )
    parser.add_argument("--max-drain", type=float, default=40)
    parser.add_argument(
        "--until", type=float, default=0, help="be through at this time (seconds since 1970): leave out the rest"
    )
    parser.add_argument("--out", type=Path, default=WORK / "results.jsonl")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
