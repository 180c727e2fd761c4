"""A run in a list: no more columns are read than the asked fields need."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from queues.api import reads
from queues.api.answers import RunAnswer
from queues.models import Run


class RunItem(RunAnswer):
    """A run in a list. With `fields`, only those that were asked for; without, all but `params` and `result`."""

    events = None  # type: ignore[assignment]  # they have a list of their own
    concurrency_key = serializers.CharField(allow_blank=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        found = super().get_fields()
        for field in found.values():
            field.required = False
        return found


class RunsPage(serializers.Serializer[Any]):
    """One page of runs."""

    items = RunItem(many=True)
    next = serializers.CharField(allow_null=True, help_text="The path of the next page; null at the end.")


@dataclass(frozen=True)
class _Field:
    """How a field is told, and which columns that takes."""

    read: Callable[[Run], Any]
    columns: tuple[str, ...]


def _stored(name: str) -> _Field:
    return _Field(lambda run: getattr(run, name), (name,))


_FIELDS: dict[str, _Field] = {
    **{
        name: _stored(name)
        for name in (
            "id", "job", "queue", "state", "priority", "parent_id", "attempt", "max_attempts", "created_at", "due_at",
            "claimed_at", "started_at", "finished_at", "cancel_requested_at", "result", "spend_usd", "actor", "source",
            "request_id", "concurrency_key",
        )
    },
    "url": _Field(reads.url_of, ("queue",)),
    "title": _Field(lambda run: reads.title_of(run.job), ("job",)),
    "params": _Field(lambda run: run.parameters, ("params", "packed")),
    "definition": _Field(lambda run: run.definition and run.definition.name, ("definition__name",)),
    "schedule": _Field(lambda run: run.schedule and run.schedule.name, ("schedule__name",)),
    "dedupe_key": _Field(reads.dedupe_key_of, ("job", "dedupe_key")),
    "cached": _Field(lambda run: False, ()),
    "wait_s": _Field(lambda run: reads.between_s(run.due_at, run.started_at), ("due_at", "started_at")),
    "processing_s": _Field(lambda run: reads.between_s(run.started_at, run.finished_at), ("started_at", "finished_at")),
    "total_s": _Field(lambda run: reads.between_s(run.created_at, run.finished_at), ("created_at", "finished_at")),
    "progress": _Field(reads.progress_of, ("progress_done", "progress_total", "progress_note")),
    "error": _Field(reads.error_of, ("error_type", "error_code", "error_message")),
}  # fmt: skip
LEFT_OUT = frozenset({"params", "result"})
USUAL = tuple(name for name in _FIELDS if name not in LEFT_OUT)


def narrowed(rows: QuerySet[Run], names: Collection[str]) -> QuerySet[Run]:
    """The columns that these fields take, in one statement."""
    columns = {column for name in names for column in _FIELDS[name].columns}
    joined = [name for name in ("definition", "schedule") if f"{name}__name" in columns]
    found = rows.select_related(*joined) if joined else rows
    return found.only("id", *sorted(columns), *joined)


def told(run: Run, names: Collection[str]) -> dict[str, Any]:
    """For RunItem: these fields of it."""
    return {name: _FIELDS[name].read(run) for name in names}
