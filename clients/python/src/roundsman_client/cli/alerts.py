"""alerts list, ack."""

from __future__ import annotations

import click

from ..models import Alert
from . import showing
from .house import House, as_json, pass_house


@click.group()
def alerts() -> None:
    """Look at alerts, and take care of them."""


@alerts.command("list")
@click.option("--state", type=click.Choice(["open", "resolved", "all"]), default="open", show_default=True)
@click.option("--level", type=click.Choice(["warning", "critical"]))
@click.option("--queue", help="Its name or an alias.")
@click.option("--rule", help="e.g. queue_wait")
@as_json
@pass_house
def list_alerts(
    house: House, state: str, level: str | None, queue: str | None, rule: str | None, as_json: bool
) -> None:
    """The alerts, newest first."""
    with house.client() as client:
        found = client.alerts(state=state, level=level, queue=queue, rule=rule)
        if as_json:
            for each in found:
                showing.line(each.raw)
        else:
            showing.rows(("id", "level", "rule", "queue", "since", "found", "who is on it"), map(_row, found))


def _row(each: Alert) -> tuple[object, ...]:
    level = each.level if each.state == "open" else each.state
    return (each.id, level, each.rule, each.queue, each.opened_at, each.text, each.acknowledged_by)


@alerts.command("ack")
@click.argument("alert")
@click.option("--note", default="", help="What you do about it. Shown with the alert.")
@as_json
@pass_house
def acknowledge(house: House, alert: str, note: str, as_json: bool) -> None:
    """Say that you take care of an open alert. It resolves by itself."""
    with house.client() as client:
        told = client.acknowledge_alert(alert, note)
    if as_json:
        showing.document(told.raw)
    else:
        click.echo(f"You are on it: {showing.safe(told.title)}{f', {told.queue}' if told.queue else ''}.")
