"""What may be wrong with a schedule, field by field, before it is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.core.exceptions import ValidationError

from queues import registry
from queues.errors import InvalidParams, PermanentError, UnknownJob
from queues.ledger import clock
from queues.models import JobDefinition, Schedule
from queues.timetable import cron
from queues.timetable.facts import timed_anew, timing_of
from queues.timetable.timing import next_after

Errors = dict[str, list[ValidationError]]
OWN = {"cron": "cron", "interval": "interval_s", "once": "run_at"}  # which column says when, by kind


def prove(schedule: Schedule, stored: Schedule | None) -> None:
    """Tidy a schedule and raise ValidationError (by field) unless it may be stored. `stored`: what it was."""
    for kind, column in OWN.items():
        if kind != schedule.kind:
            setattr(schedule, column, "" if column == "cron" else None)
    schedule.cron, schedule.timezone = " ".join((schedule.cron or "").split()), (schedule.timezone or "").strip()
    found: Errors = defaultdict(list)
    try:
        schedule.full_clean()
    except ValidationError as error:
        for field, errors in error.error_dict.items():
            found[field] += errors
    _times(schedule, found)
    _params(schedule, found)
    if not found and (stored is None or timed_anew(schedule, stored)):
        _still_to_come(schedule, found)
    if found:
        once = {field: list({each.messages[0]: each for each in errors}.values()) for field, errors in found.items()}
        raise ValidationError(once)  # type: ignore[arg-type]


def _times(schedule: Schedule, found: Errors) -> None:
    for field in ("run_at", "starts_at", "ends_at"):
        value = getattr(schedule, field)
        if value is not None and value.tzinfo is None:
            found[field].append(
                _wrong("Give this time with its time zone, e.g. 2026-11-23T08:00:00+01:00.", "no_offset")
            )
    try:
        cron.zone(schedule.timezone)
    except cron.BadZone as error:
        found["timezone"] = [_wrong(str(error), "bad_zone")]
    if schedule.kind == Schedule.Kind.CRON and "cron" not in found:
        try:
            cron.normalise(schedule.cron)
        except cron.BadCron as error:
            found["cron"] = [_wrong(str(error), "bad_cron")]
    if schedule.kind == Schedule.Kind.INTERVAL and "interval_s" not in found and not schedule.interval_s:
        told = "Give the interval in whole seconds, at least 1; for example 900 (15 minutes)."
        found["interval_s"] = [_wrong(told, "required")]
    if schedule.kind == Schedule.Kind.ONCE and schedule.run_at is None and "run_at" not in found:
        found["run_at"] = [_wrong("Give the moment at which it fires.", "required")]
    if "starts_at" in found or "ends_at" in found or not (schedule.starts_at and schedule.ends_at):
        return
    if schedule.ends_at <= schedule.starts_at:
        told = "It ends before it starts: give an end after the start, or leave it empty."
        found["ends_at"].append(_wrong(told, "before_start"))


def _still_to_come(schedule: Schedule, found: Errors) -> None:
    now = clock.now()
    if schedule.run_at is not None and schedule.run_at <= now:
        told = (
            f"This moment is in the past (it is {now:%Y-%m-%d %H:%M:%S} UTC now): give one that is to come, or run the"
            " definition now instead."
        )
        found["run_at"].append(_wrong(told, "in_past"))
    elif schedule.ends_at is not None and schedule.ends_at <= now:
        told = "This end is in the past: the schedule would never fire. Leave it empty for no end."
        found["ends_at"].append(_wrong(told, "in_past"))
    elif next_after(timing_of(schedule), now) is None:
        field = "ends_at" if schedule.ends_at is not None else OWN[schedule.kind]
        told = "It would never fire: no moment of it lies between its start and its end."
        found[field].append(_wrong(told, "never_fires"))


def _params(schedule: Schedule, found: Errors) -> None:
    """The parameters over the definition's must fit the job as they will when it fires."""
    if "definition" in found or "params" in found:
        return
    definition: JobDefinition = schedule.definition
    if not isinstance(schedule.params, Mapping):
        told = 'Give the parameters as an object, for example {"days": 7}; {} for none.'
        found["params"] = [_wrong(told, "not_an_object")]
        return
    try:
        spec = registry.get(definition.job)
        spec.dump(spec.validate({**definition.params, **schedule.params}))
    except UnknownJob as error:
        found["definition"] = [_wrong(f"{error} The definition {definition.name!r} cannot run.", "unknown_job")]
    except InvalidParams as error:
        each = [f"{one.field}: {one.message}" if one.field else one.message for one in error.errors]
        found["params"] = [_wrong(message, "invalid_params") for message in each]
    except PermanentError as error:
        found["params"] = [_wrong(str(error), "invalid_params")]


def _wrong(message: str, code: str) -> ValidationError:
    return ValidationError(message, code)
