"""The command line of `manage.py chaos`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

DESCRIPTION = (
    "Kill, stop and cut off everything under load, and count what was lost or done twice. Brings its own servers."
)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py chaos", description=DESCRIPTION)
    parser.add_argument("--jobs", type=_count, default=2000, help="jobs of 20 ms (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="decides what is struck, and when (%(default)s)")
    parser.add_argument("--database", choices=("postgres", "embedded"), default="postgres", help="%(default)s")
    parser.add_argument(
        "--engine",
        choices=("roundsman", "plain-rq"),
        default="roundsman",
        help="plain-rq: the control, stock RQ under the same plan; it must lose jobs",
    )
    parser.add_argument("--lease", type=float, help="seconds after which a silent worker is lost (5; with --billing 2)")
    parser.add_argument(
        "--max-recovery",
        type=float,
        default=10.0,
        help="seconds within which 99 %% of the runs struck must be leased again (%(default)s)",
    )
    parser.add_argument("--full", action="store_true", help="with --failpoints: 100 kills at each step")
    parser.add_argument(
        "--keep", action="store_true", help="do not remove the folder with logs and databases; its name is told"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--failpoints",
        type=_count,
        nargs="?",
        const=5,
        metavar="N",
        help="kill a process N times (5) at every numbered step of the protocol, and print the table",
    )
    way.add_argument(
        "--rolling", type=_count, metavar="N", help="N times SIGTERM to one worker after the other, under load"
    )
    way.add_argument(
        "--poison",
        action="store_true",
        help="jobs that kill their process and jobs that eat memory among ordinary ones",
    )
    way.add_argument(
        "--billing",
        type=_count,
        nargs="?",
        const=60,
        metavar="N",
        help="a month of N contracts (60) billed and collected, and an undisturbed twin: not a byte may differ",
    )
    way.add_argument("--fires", action="store_true", help="the same for schedules: print the table of fires")
    options = parser.parse_args(list(argv))
    if options.lease is None:
        options.lease = 2.0 if options.billing else 5.0
    options.idle = 3.0 if options.billing else 60.0  # s; a document's transaction, that others wait for
    if options.lease < 2:
        parser.error("--lease must be 2 seconds or more: a heartbeat comes once a second.")
    if options.full:
        options.failpoints = 100
    return options


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError("at least 1")
    return value
