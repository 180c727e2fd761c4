"""Switches: what staff may throw while the system runs. The row's word, else the environment's.

What the rows say is read a second ago at most by whoever asks (`on`, `refresh`); what must ask nobody, for it may be
anywhere (in the midst of a transaction, on an event loop), goes by the last reading (`known`). Workers read once a
second, so a switch is in force everywhere within two.
"""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from queues.contract import Actor
from queues.errors import PermanentError, WrongState
from queues.ledger import audit, clock
from queues.models import Switch

FRESH_S = 1.0


@dataclass(frozen=True)
class SwitchSpec:
    """`variable`: the environment's, and the setting's, name. `off` says what is so when it is thrown off."""

    name: str
    variable: str
    title: str
    off: str


SWITCHES: tuple[SwitchSpec, ...] = (
    SwitchSpec(
        "optimization", "QUEUE_OPTIMIZATION_ENABLED", "Optimised settings",
        "The plain settings are in force: at most 3 slots and 10 jobs/s a queue, one run a claim.",
    ),
    SwitchSpec(
        "queues", "QUEUES_ENABLED", "All queues",
        "Workers take nothing, from any queue. What runs goes on; what waits stays; jobs can still be asked for.",
    ),
    SwitchSpec(
        "redis_pool", "REDIS_POOL_ENABLED", "Pooled Redis connections",
        "Every command has a connection of its own: slower, but no connection is older than its command.",
    ),
    SwitchSpec("metrics", "METRICS_ENABLED", "Metrics", "No durations are gathered, and /metrics answers 404."),
    SwitchSpec(
        "metrics_batch", "METRICS_BATCH_ENABLED", "Metrics in batches",
        "Durations are sent to Redis as they come, not gathered first.",
    ),
)  # fmt: skip
_BY_NAME = {spec.name: spec for spec in SWITCHES}


class UnknownSwitch(PermanentError):
    """No switch bears this name."""

    code = "unknown_switch"

    def __init__(self, name: str) -> None:
        near = difflib.get_close_matches(name, _BY_NAME, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"There is no switch named {name!r}. The switches are: {', '.join(_BY_NAME)}.{hint}")


@dataclass(frozen=True)
class Position:
    """How a switch stands. `row` is what staff said, None where the environment's value holds."""

    spec: SwitchSpec
    environment: bool
    row: Switch | None = None

    @property
    def on(self) -> bool:
        return self.environment if self.row is None else self.row.on


def get(name: str) -> SwitchSpec:
    """By its name or its variable's, e.g. "redis_pool", "redis-pool", REDIS_POOL_ENABLED. Raises UnknownSwitch."""
    wanted = name.strip().replace("-", "_")
    for spec in SWITCHES:
        if wanted.lower() == spec.name or wanted.upper() == spec.variable:
            return spec
    raise UnknownSwitch(name)


# --- reading ---

_rows: Mapping[str, bool] = {}
_read_s: float | None = None


def on(name: str) -> bool:
    """Whether it is on; asks the database if the last reading is older than a second. Raises DatabaseError."""
    if _read_s is None or time.monotonic() - _read_s > FRESH_S:
        refresh()
    return known(name)


def known(name: str) -> bool:
    """Whether it is on by the last reading; asks nobody."""
    said = _rows.get(name)
    return bool(getattr(settings, _BY_NAME[name].variable, True)) if said is None else said


def refresh() -> None:
    """Read now. One small query. Raises DatabaseError, and then the last reading stands."""
    global _rows, _read_s
    _rows = dict(Switch.objects.values_list("name", "on"))
    _read_s = time.monotonic()


def forget(read_s: float | None = None) -> None:
    """As in a new process. `read_s`: as if they had been read then (tests: in eternity, so that nobody asks)."""
    global _rows, _read_s
    _rows, _read_s = {}, read_s


def _outdated() -> None:
    """The next who asks reads; who asks nobody goes by the last reading until then."""
    global _read_s
    _read_s = None


def positions() -> list[Position]:
    """How every switch stands. One query."""
    rows = Switch.objects.in_bulk()
    return [Position(spec, bool(getattr(settings, spec.variable, True)), rows.get(spec.name)) for spec in SWITCHES]


# --- throwing ---


def throw(name: str, to: bool | None, *, actor: Actor, why: str) -> Position:
    """On, off, or (None) back to what the environment says; audited. In force on every worker within two seconds.

    Raises UnknownSwitch; WrongState without a reason, or where staff said the same before.
    """
    spec = get(name)
    if not why.strip():
        raise WrongState(f"Say why the switch {spec.name} is thrown: others will want to know.")
    environment = bool(getattr(settings, spec.variable, True))
    with transaction.atomic():
        held = Switch.objects.select_for_update().filter(pk=spec.name).first()
        was = Position(spec, environment, held)
        if (None if held is None else held.on) is to:
            raise WrongState(_already(was))
        if to is None:
            Switch.objects.filter(pk=spec.name).delete()
            now = Position(spec, environment)
        else:
            values = {"on": to, "reason": why.strip()[:300], "changed_by": actor.label[:150], "changed_at": clock.now()}
            now = Position(spec, environment, Switch.objects.update_or_create(pk=spec.name, defaults=values)[0])
        audit.write(
            actor, f"switch.{'environment' if to is None else 'on' if to else 'off'}", object_type="switch",
            object_id=spec.name, object_label=spec.title, before=_told(was), after=_told(now), why=why,
        )  # fmt: skip
    _outdated()
    transaction.on_commit(refresh, robust=True)
    return now


def _told(position: Position) -> dict[str, object]:
    return {"on": position.on, "from": "environment" if position.row is None else "staff"}


def _already(position: Position) -> str:
    spec, row = position.spec, position.row
    if row is None:
        return f"The switch {spec.name} stands as {spec.variable} says already: {'on' if position.on else 'off'}."
    word = "on" if row.on else "off"
    return f"The switch {spec.name} is thrown {word} already, by {row.changed_by}: {row.reason}"
