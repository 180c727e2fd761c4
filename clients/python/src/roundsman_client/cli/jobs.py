"""jobs run."""

from __future__ import annotations

import json
from typing import Any

import click

from . import showing
from .following import FAILED, follow
from .house import REFUSED, House, as_json, pass_house, why


@click.group()
def jobs() -> None:
    """Ask for runs."""


@jobs.command("run")
@click.argument("name")
@click.option("--param", "-p", "params", multiple=True, metavar="K=V", help="A parameter; JSON, or else text.")
@click.option(
    "--params-file", type=click.File("r", encoding="utf-8"), help="All parameters as a JSON object; -: stdin."
)
@click.option("--definition", is_flag=True, help="NAME is a definition's; parameters go over its own.")
@click.option("--at", help="When, ISO 8601 with an offset. Left out: now.")
@click.option("--priority", type=click.IntRange(-100, 100), help="Higher first.")
@click.option("--dedupe-key", help="While a run of this job with this key is live, that one is the answer.")
@click.option("--fresh", is_flag=True, default=None, help="Run it anew, though a result could be reused.")
@click.option("--idempotency-key", help="The same key makes no second run. Left out: a new one.")
@click.option("--wait", is_flag=True, help="Watch it until it ends; the exit code is its outcome.")
@click.option("--timeout", "wait_for_s", type=click.FloatRange(min=0), help="With --wait: seconds, at most.")
@why()
@as_json
@pass_house
def run_job(
    house: House,
    name: str,
    params: tuple[str, ...],
    params_file: Any,
    definition: bool,
    at: str | None,
    priority: int | None,
    dedupe_key: str | None,
    fresh: bool | None,
    idempotency_key: str | None,
    wait: bool,
    wait_for_s: float | None,
    why: str,
    as_json: bool,
) -> None:
    """Run the job (or the definition) NAME."""
    given = _params(params, params_file)
    with house.client() as client:
        run = client.run_job(
            None if definition else name, given or None, definition=name if definition else None, at=at, priority=priority,
            dedupe_key=dedupe_key, fresh=fresh or None, why=why or None, idempotency_key=idempotency_key,
        )  # fmt: skip
        if not wait:
            showing.document(run.raw) if as_json else showing.run(run)
            return
        if not run.ended:
            if not as_json:
                click.echo(f"run {run.id}", err=True)
            code = follow(client, run.id, as_json=as_json, timeout_s=wait_for_s)
            click.get_current_context().exit(code)
    showing.line({"event": "end", "run": run.id, "state": run.state, "result": run.result}) if as_json else showing.run(
        run
    )
    click.get_current_context().exit(0 if run.succeeded else FAILED)


@jobs.command("run-many")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--idempotency-key", help="The same key makes no second runs. Left out: a new one.")
@as_json
@pass_house
def run_many(house: House, file: Any, idempotency_key: str | None, as_json: bool) -> None:
    """Ask for a run for each line of FILE (-: stdin), JSON like {"job": "…", "params": {…}}. Refused ones stop no other.

    \b
    All go in one request, 500 at most. Exit code 3 if any was refused.
    """
    requests = [_request(number, text) for number, text in enumerate(file, 1) if text.strip()]
    if not requests:
        raise click.UsageError("The file holds no request.")
    with house.client() as client:
        items = client.run_many(requests, idempotency_key=idempotency_key)
    for each in items:
        run, problem = each.run, each.problem
        if as_json:
            told = (
                {"id": run.id, "state": run.state}
                if run
                else {"code": problem.code, "detail": problem.detail}
                if problem
                else {}
            )
            showing.line({"index": each.index, "status": each.status, **told})
        elif run is not None:
            click.echo(f"run {run.id} {run.state}")
        elif problem is not None:
            click.echo(f"request {each.index + 1}: {showing.safe(problem.detail)}", err=True)
    if any(each.problem for each in items):
        click.get_current_context().exit(REFUSED)


def _request(number: int, text: str) -> dict[str, Any]:
    """Raises click.UsageError."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"Line {number} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError(f"Line {number} holds no JSON object.")
    return found


def _params(given: tuple[str, ...], file: Any) -> dict[str, Any]:
    """`tons=3` is a number, `note=full` a text, `note="3"` (with its quotes) a text as well. Raises click.UsageError."""
    found: dict[str, Any] = {}
    if file is not None:
        try:
            found = json.load(file)
        except ValueError as error:
            raise click.UsageError(f"The parameters' file is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise click.UsageError("The parameters' file holds no JSON object.")
    for each in given:
        name, sign, text = each.partition("=")
        if not sign or not name:
            raise click.UsageError(f"{each!r} is no parameter: write name=value.")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found
