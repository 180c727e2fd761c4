"""runs list, show, watch, log, cancel, retry."""

from __future__ import annotations

from itertools import islice

import click

from ..models import Run
from . import showing
from .following import follow
from .house import House, as_json, pass_house, why


@click.group()
def runs() -> None:
    """Look at runs, cancel them, retry them."""


@runs.command("list")
@click.option("--state", help="One or more, with commas: scheduled,pending,running,succeeded,dead,cancelled.")
@click.option("--queue", help="Its name or an alias.")
@click.option("--job", help="Its name or alias.")
@click.option("--definition", help="Its name.")
@click.option("--schedule", help="Its name.")
@click.option("--since", help="Created then or later, ISO 8601 with an offset.")
@click.option("--finished-since", help="Ended then or later.")
@click.option("--text", help="A whole id or key, or a part of a name.")
@click.option("--fields", help="With --json: only these, with commas.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many.")
@as_json
@pass_house
def list_runs(
    house: House,
    state: str | None,
    queue: str | None,
    job: str | None,
    definition: str | None,
    schedule: str | None,
    since: str | None,
    finished_since: str | None,
    text: str | None,
    fields: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """The newest runs first."""
    filters = {
        "state": state, "queue": queue, "job": job, "definition": definition, "schedule": schedule, "q": text,
        "created_since": since, "finished_since": finished_since, "fields": fields if as_json else _FIELDS,
        "limit": min(limit, 200),
    }  # fmt: skip
    with house.client() as client:
        found = islice(client.runs(**filters), limit)
        if as_json:
            for run in found:
                showing.line(run.raw)
        else:
            showing.rows(("id", "job", "queue", "state", "attempt", "created", "finished", "error"), map(_row, found))


_FIELDS = "id,job,queue,state,attempt,max_attempts,created_at,finished_at,error"


def _row(run: Run) -> tuple[object, ...]:
    said = showing.error_text(run.error.__dict__)[:60] if run.error else ""
    tries = f"{run.attempt}/{run.max_attempts}"
    return (run.id, run.job, run.queue, run.state, tries, run.created_at, run.finished_at, said)


@runs.command()
@click.argument("run_id")
@as_json
@pass_house
def show(house: House, run_id: str, as_json: bool) -> None:
    """A run: its state, progress, result or error."""
    with house.client() as client:
        run = client.read_run(run_id)
    showing.document(run.raw) if as_json else showing.run(run)


@runs.command()
@click.argument("run_id")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), help="Seconds, at most; then exit code 4.")
@as_json
@pass_house
def watch(house: House, run_id: str, timeout_s: float | None, as_json: bool) -> None:
    """A run's news until it ends. Ctrl-C leaves the run alone."""
    with house.client() as client:
        code = follow(client, run_id, as_json=as_json, timeout_s=timeout_s)
    click.get_current_context().exit(code)


@runs.command()
@click.argument("run_id")
@as_json
@pass_house
def log(house: House, run_id: str, as_json: bool) -> None:
    """What a run has written so far."""
    with house.client() as client:
        for line in client.log(run_id):
            if as_json:
                showing.line(line.raw)
            else:
                click.echo(f"{showing.safe(line.at)} {line.level:<7} {showing.safe(line.message)}")


@runs.command()
@click.argument("run_id")
@why()
@as_json
@pass_house
def cancel(house: House, run_id: str, why: str, as_json: bool) -> None:
    """Cancel a waiting run, or ask a running one to stop."""
    with house.client() as client:
        _told(client.cancel(run_id, why), as_json)


@runs.command()
@click.argument("run_id")
@why()
@as_json
@pass_house
def retry(house: House, run_id: str, why: str, as_json: bool) -> None:
    """Put a dead or cancelled run back into its queue."""
    with house.client() as client:
        _told(client.retry(run_id, why), as_json)


def _told(run: Run, as_json: bool) -> None:
    if as_json:
        showing.document(run.raw)
    else:
        asked = " and is asked to stop" if run.cancel_requested_at and not run.ended else ""
        click.echo(f"The run {run.id} is {showing.safe(run.state)} now{asked}.")
