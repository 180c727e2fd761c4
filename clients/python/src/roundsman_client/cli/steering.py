"""queues and schedules: list, pause, resume, drain, next; status and health."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ..models import Queue
from . import showing
from .house import House, as_json, pass_house, why


@click.group()
def queues() -> None:
    """Look at queues, and steer them."""


@queues.command("list")
@as_json
@pass_house
def list_queues(house: House, as_json: bool) -> None:
    """The queues, and what is in force for each."""
    with house.client() as client:
        found = client.queues()
    if as_json:
        for queue in found:
            showing.line(queue.raw)
        return
    _queues(found)


def _queues(found: Iterable[Queue]) -> None:
    names = ("queue", "state", "slots", "running", "waiting", "workers", "why")
    showing.rows(names, (
        (each.queue, _state(each), each.concurrency, each.running, each.depth, each.workers,
         each.pause_reason or each.drain_reason)
        for each in found
    ))  # fmt: skip


def _state(queue: Queue) -> str:
    return "off" if not queue.enabled else "paused" if queue.paused else "draining" if queue.draining else "on"


def _told(queue: Queue, as_json: bool) -> None:
    showing.document(queue.raw) if as_json else click.echo(f"The queue {queue.queue} is {_state(queue)} now.")


@queues.command()
@click.argument("queue")
@click.option("--until", help="ISO 8601 with an offset. Left out: until somebody resumes it.")
@why(required=True)
@as_json
@pass_house
def pause(house: House, queue: str, until: str | None, why: str, as_json: bool) -> None:
    """Take nothing more from a queue. What runs goes on."""
    with house.client() as client:
        _told(client.pause_queue(queue, why, until), as_json)


@queues.command()
@click.argument("queue")
@why()
@as_json
@pass_house
def resume(house: House, queue: str, why: str, as_json: bool) -> None:
    """The end of a pause and of a drain."""
    with house.client() as client:
        _told(client.resume_queue(queue, why), as_json)


@queues.command()
@click.argument("queue")
@why(required=True)
@as_json
@pass_house
def drain(house: House, queue: str, why: str, as_json: bool) -> None:
    """Do what waits already; what is asked for from now on waits."""
    with house.client() as client:
        _told(client.drain_queue(queue, why), as_json)


@click.command()
@as_json
@pass_house
def status(house: House, as_json: bool) -> None:
    """Every queue with what it does now, and who works."""
    with house.client() as client:
        told = client.status()
    if as_json:
        showing.document(told)
        return
    _queues(map(Queue.of, told["queues"]))
    up = "up" if told["redis_up"] else "away: workers find runs in the database"
    click.echo(f"{len(told['workers'])} workers; Redis is {up}.", err=True)


@click.command()
@as_json
@pass_house
def health(house: House, as_json: bool) -> None:
    """How well every queue is, and why not better."""
    with house.client() as client:
        told = client.health()
    if as_json:
        showing.document(told)
        return
    showing.rows(("queue", "grade", "score", "why"), (
        (each["queue"], each["grade"], each["score"], "; ".join(reason["text"] for reason in each["reasons"]))
        for each in told["queues"]
    ))  # fmt: skip
    click.echo(f"The whole: {told['grade']} ({told['score']} of 100), {told['word']}.", err=True)
