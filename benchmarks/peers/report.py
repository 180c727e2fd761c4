"""`python -m benchmarks.peers.report RESULTS.jsonl`: the tables of a measurement, in Markdown."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.rows import Rows, read
from benchmarks.tables import COLUMNS, table


def main(paths: list[str]) -> int:
    if not paths:
        print(__doc__, file=sys.stderr)
        return 2
    rows = Rows([row for path in paths for row in read(Path(path))])
    for test in [*COLUMNS, "depth"]:
        if text := table(rows, test):
            print(f"\n### {test}\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
