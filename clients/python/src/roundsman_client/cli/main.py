"""The command `roundsman`: from errors to sentences and exit codes.

0 done; 1 the run failed, died or was cancelled; 2 wrong usage; 3 refused; 4 no answer, too late, or the server is busy or
broken; 130 Ctrl-C.
"""

from __future__ import annotations

from typing import Any

import click

from ..errors import ApiError, NotSignedIn, RoundsmanError
from . import account, alerts, jobs, runs, schedules, steering
from .house import REFUSED, URL, House
from .showing import safe

UNREACHABLE = 4


class Roundsman(click.Group):
    """Tells our errors in a sentence or two."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RoundsmanError as error:
            click.echo(told(error), err=True)
            ctx.exit(code_of(error))
        except (ValueError, OSError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            click.echo(f"{type(error).__name__}: {safe(error)}", err=True)
            ctx.exit(UNREACHABLE)


def code_of(error: RoundsmanError) -> int:
    if isinstance(error, NotSignedIn):
        return REFUSED
    busy = not isinstance(error, ApiError) or error.status >= 500 or error.status == 429
    return UNREACHABLE if busy else REFUSED


def told(error: RoundsmanError) -> str:
    """What is wrong and what to do; what only the operators can tell more of has the request's id."""
    if not isinstance(error, ApiError):
        return safe(error)
    said = [safe(error.detail) or error.code]
    if error.status == 401:
        said.append("Sign in again (roundsman login), or look at your API key.")
    elif error.retry_after_s is not None:
        said.append(f"Try again in {error.retry_after_s:g} s.")
    elif error.status >= 500 and error.request_id:
        said.append(f"Request {safe(error.request_id)}.")
    return " ".join(said)


@click.group(cls=Roundsman, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", envvar=URL, help="The server. Left out: where you signed in.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0.1), default=10.0, help="For an answer, in seconds.")
@click.version_option(package_name="roundsman-client")
@click.pass_context
def main(ctx: click.Context, url: str | None, timeout_s: float) -> None:
    """Roundsman from the command line.

    \b
    Exit codes: 0 done; 1 the run failed or was cancelled; 2 wrong usage;
    3 refused; 4 no answer, too late, or the server is busy; 130 Ctrl-C.
    """
    ctx.obj = House(url=url, timeout_s=timeout_s)


for command in (
    account.login, account.logout, jobs.jobs, runs.runs, steering.queues, schedules.schedules, steering.status,
    steering.health, alerts.alerts,
):  # fmt: skip
    main.add_command(command)
