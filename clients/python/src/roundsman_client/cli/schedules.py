"""schedules list, pause, resume, next. A schedule is named by its id or its name."""

from __future__ import annotations

import click

from ..client import Client
from ..errors import ApiError
from ..models import Schedule
from . import showing
from .house import House, as_json, pass_house, why


@click.group()
def schedules() -> None:
    """Look at schedules, pause and resume them."""


@schedules.command("list")
@click.option("--state", type=click.Choice(["on", "paused", "off"]))
@click.option("--queue", help="Its name or an alias.")
@click.option("--text", help="A part of its or its definition's name.")
@as_json
@pass_house
def list_schedules(house: House, state: str | None, queue: str | None, text: str | None, as_json: bool) -> None:
    """The schedules, by name."""
    with house.client() as client:
        found = client.schedules(state=state, queue=queue, text=text)
        if as_json:
            for each in found:
                showing.line(each.raw)
        else:
            showing.rows(("id", "name", "state", "when", "next", "definition"), map(_row, found))


def _row(each: Schedule) -> tuple[object, ...]:
    return (each.id, each.name, each.state, each.in_words, each.next_fire_at, each.definition)


@schedules.command()
@click.argument("schedule")
@why(required=True)
@as_json
@pass_house
def pause(house: House, schedule: str, why: str, as_json: bool) -> None:
    """Let it fire no more until it is resumed."""
    with house.client() as client:
        _told(client.pause_schedule(id_of(client, schedule), why), as_json)


@schedules.command()
@click.argument("schedule")
@why()
@as_json
@pass_house
def resume(house: House, schedule: str, why: str, as_json: bool) -> None:
    """From its next moment on."""
    with house.client() as client:
        _told(client.resume_schedule(id_of(client, schedule), why), as_json)


@schedules.command("next")
@click.argument("schedule")
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("--tz", help="A time zone, e.g. Europe/Berlin. Left out: the schedule's own.")
@as_json
@pass_house
def next_fires(house: House, schedule: str, count: int, tz: str | None, as_json: bool) -> None:
    """When it fires next."""
    with house.client() as client:
        fires = client.next_fires(id_of(client, schedule), count, tz)
    for at in fires:
        showing.line({"at": at.isoformat()}) if as_json else click.echo(at.isoformat(timespec="seconds"))
    if not fires and not as_json:
        click.echo("It fires no more, or is paused or off.", err=True)


def id_of(client: Client, schedule: str) -> int:
    """Raises ApiError (404) where no schedule has this name."""
    if schedule.isdecimal():
        return int(schedule)
    for each in client.schedules(text=schedule):
        if each.name == schedule:
            return each.id
    raise ApiError(
        404, "not_found", f"There is no schedule {schedule!r}. See those there are: roundsman schedules list"
    )


def _told(schedule: Schedule, as_json: bool) -> None:
    if as_json:
        showing.document(schedule.raw)
    else:
        click.echo(f"The schedule {showing.safe(schedule.name)} is {schedule.state} now.")
