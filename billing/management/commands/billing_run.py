"""`manage.py billing_run prepare --through DAY`, `finalise --run CODE`, `collect --run CODE`: asks for the job, and waits for it if told to.

Nobody approves by command: whoever says yes has looked at the preview.
"""

from __future__ import annotations

import argparse
import json
import time
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.urls import reverse

from billing.errors import UnknownRun
from billing.models import BillingRun, RunItem
from billing.services import run_jobs
from queues.contract import Actor, RunNow, RunRef, ports
from queues.errors import RoundsmanError

FAILED, NOT_STARTED, INTERRUPTED = 1, 2, 130
PAUSE_S = 0.5
ASKED = {"finalise": run_jobs.ask_finalise, "collect": run_jobs.ask_collect}


class Command(BaseCommand):
    help = (
        "Asks for a billing run's job, as its page does, and prints the page's address. Exits with 2 where nothing was started, and says why; "
        "with --wait with 0 where the job succeeded and 1 where it failed or took too long. A run is approved on its page alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        prepare = verbs.add_parser("prepare", help="draft a document for each period that is over; again is no harm")
        prepare.add_argument(
            "--through", type=_day, required=True, metavar="DAY", help="periods that end on or before it (exclusive ends): 2026-11-01 for October"
        )  # fmt: skip
        prepare.add_argument("--issue-date", type=_day, metavar="DAY", help="of the documents; else as --through")
        finalise = verbs.add_parser("finalise", help="make an approved run's documents final")
        collect = verbs.add_parser("collect", help="charge the saved methods for a final run")
        for verb in (finalise, collect):
            verb.add_argument("--run", required=True, metavar="CODE", help="its code, like 2026-11-01")
        for verb in (prepare, finalise, collect):
            verb.add_argument("--reason", default="", help="why; kept in the audit log")
            verb.add_argument("--wait", action="store_true", help="until the job has ended; progress goes to stderr")
            verb.add_argument(
                "--timeout", type=float, default=3600, metavar="SECONDS", help="wait so long (%(default)s s)"
            )
            verb.add_argument("--json", action="store_true", help="one JSON object at the end")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run, job = _asked(options)
        except RoundsmanError as refused:
            raise CommandError(str(refused), returncode=NOT_STARTED) from None
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(_silent(error), returncode=NOT_STARTED) from None
        if not options["json"]:
            self.stdout.write(f"Run {run.code}: {page(run)}")
        try:
            now = self._ended(job, options["timeout"]) if options["wait"] else ports.run_now(job.id)
        except (DatabaseError, InterfaceError) as error:
            raise CommandError(f"{_silent(error)} The job goes on without this.", returncode=FAILED) from None
        except KeyboardInterrupt:
            raise CommandError("The job goes on without this.", returncode=INTERRUPTED) from None
        run.refresh_from_db()
        self._tell(run, job, now, options)
        if options["wait"] and (now is None or not now.succeeded):
            raise CommandError(_why(now), returncode=FAILED)

    def _ended(self, job: RunRef, timeout_s: float) -> RunNow | None:
        """How it stands when it ended, or when the time is over."""
        end_s, told = time.monotonic() + timeout_s, ""
        while (now := ports.run_now(job.id)) is not None and not now.ended and time.monotonic() < end_s:
            if (line := _progress(now)) != told:
                self.stderr.write(line, style_func=lambda text: text)
                told = line
            time.sleep(PAUSE_S)
        return now

    def _tell(self, run: BillingRun, job: RunRef, now: RunNow | None, options: dict[str, Any]) -> None:
        left_out = run.items.filter(state=RunItem.State.SET_ASIDE).count()
        if options["json"]:
            told = {
                "run": run.code, "state": run.state, "page": page(run), "job": str(job.id), "job_state": now.state if now else None,
                "expected": run.expected, "billed": run.billed, "excluded": run.excluded, "set_aside": left_out,
            }  # fmt: skip
            self.stdout.write(json.dumps(told))
        elif now is not None and now.succeeded:
            set_aside = f", {left_out:,} set aside: see its page" if left_out else ""
            self.stdout.write(
                f"It is {run.get_state_display().lower()}: {run.billed:,} of {run.expected:,} periods have a document{set_aside}."
            )


def _asked(options: dict[str, Any]) -> tuple[BillingRun, RunRef]:
    """Raises RoundsmanError."""
    if options["verb"] == "prepare":
        return run_jobs.ask_new(
            options["through"], issue_date=options["issue_date"], actor=Actor.at_the_terminal(), why=options["reason"]
        )
    run = BillingRun.objects.filter(code=options["run"]).first()
    if run is None:
        raise UnknownRun(options["run"])
    return run, ASKED[options["verb"]](run, actor=Actor.at_the_terminal(), why=options["reason"])


def page(run: BillingRun) -> str:
    """With the site's address, where the settings say it (the first of CSRF_TRUSTED_ORIGINS)."""
    origin = next((each for each in settings.CSRF_TRUSTED_ORIGINS if "*" not in each), "")
    return f"{origin.rstrip('/')}{reverse('admin:billing_billingrun_change', args=[run.pk])}"


def _progress(now: RunNow) -> str:
    if now.state != "running":
        return "It waits for a worker."
    return now.note or "It runs."


def _why(now: RunNow | None) -> str:
    if now is None:
        return "The job is there no more."
    if not now.ended:
        return f"The job has not ended in time. {_progress(now)} It goes on without this."
    return f"The job {'was cancelled' if now.state == 'cancelled' else 'failed'}: {now.error or 'its page says why'}"


def _silent(error: Exception) -> str:
    return f"The database does not answer: {' '.join(str(error).split())}."


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it like 2026-11-01") from None
