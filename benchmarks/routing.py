#!/usr/bin/env python3
"""Plans collection days and prints what it gained: `python benchmarks/routing.py [--seconds 30] [--seed 1] FILE...`

One line a file: stops, the nearest-neighbour baseline's miles, the plan's miles and vehicles, whether it keeps every rule,
percent better than the baseline, and wall seconds from reading the file to the judged plan. Exit code 1 if a plan breaks one.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from routing.instances import load
from routing.rules import check
from routing.solver import plan

BUNDLED = Path(__file__).resolve().parent.parent / "routing" / "data" / "kim2006"
ROW = "{:<18} {:>6} {:>9} {:>9} {:>9} {:>9} {:>8} {:>8}"


def main() -> int:
    """Plans each file named, or the bundled ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(ROW.format("file", "stops", "baseline", "miles", "vehicles", "feasible", "better", "seconds"))
    fine = True
    for path in options.files or sorted(BUNDLED.glob("*.txt")):
        began = time.monotonic()
        day = load(path)
        made = plan(day, options.seconds, options.seed)
        took = time.monotonic() - began
        feasible = check(day.without(made.unserved), made.routes, schedules=False).feasible and not made.unserved
        fine = fine and feasible
        figures = (f"{made.baseline_miles:.1f}", f"{made.miles:.1f}", made.vehicles, "yes" if feasible else "no")
        row = ROW.format(path.name, len(day.stops), *figures, f"{made.saved_percent:.1f} %", f"{took:.1f}")
        print(row, flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
