"""`--fires`: no fire missed, none doubled, over clock changes and with clocks that jump; on this run's own database."""

from __future__ import annotations

import json
from argparse import Namespace

from project.chaos import fires
from project.chaos.stage import Stage


def main(stage: Stage, options: Namespace) -> int:
    """Prints the table and, last, a JSON object. Returns the exit code."""
    stage.begin({})
    rows = fires.main(options.seed)
    missed, doubled = sum(row.missed for row in rows), sum(row.doubled for row in rows)
    told = {"rows": len(rows), "fires": sum(row.expected for row in rows), "missed": missed, "doubled": doubled,
            "database": options.database, "seed": options.seed}  # fmt: skip
    print(json.dumps(told), flush=True)
    return 1 if missed or doubled or not rows else 0
