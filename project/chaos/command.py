"""`manage.py chaos`: which kind of run, and errors as a line."""

from __future__ import annotations

import sys
import traceback
from argparse import Namespace
from collections.abc import Sequence

from project.cannot_start import CannotStart
from project.chaos import options as command_line
from project.chaos.stage import Stage


def main(argv: Sequence[str]) -> int:
    """Returns the exit code: 0 all is well, 1 something was lost or doubled, 2 it could not start, 3 the run itself
    failed, 4 nothing was lost or doubled but recovery took too long, 130 it was stopped."""
    options = command_line.parse(argv)
    try:
        with Stage(options) as stage:
            return _run(stage, options)
    except CannotStart as trouble:
        print(trouble, file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 3
    except KeyboardInterrupt:
        print("Stopped; nothing is left behind.", file=sys.stderr)
        return 130


def _run(stage: Stage, options: Namespace) -> int:
    """What needs Django is imported here: the stage has set it up."""
    from project.chaos import experiment, failpoints_table, fires_table, poison, rolling

    if options.engine == "plain-rq":
        from project.chaos import control

        return control.main(stage, options)
    if options.fires:
        return fires_table.main(stage, options)
    if options.failpoints:
        return failpoints_table.main(stage, options)
    if options.rolling:
        return rolling.main(stage, options)
    if options.poison:
        return poison.main(stage, options)
    if options.billing:
        from project.chaos import billing

        return billing.main(stage, options)
    return experiment.main(stage, options)
