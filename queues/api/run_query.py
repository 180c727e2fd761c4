"""Which runs a list is about: the query string → rows, newest first, that an index finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Subquery
from rest_framework import serializers
from rest_framework.exceptions import NotFound

from queues import catalogue, registry
from queues.api.fields import Moment
from queues.api.pages import PageQuery
from queues.engine import reach
from queues.engine.bulk_count import names_of
from queues.models import JobDefinition, Run, Schedule
from queues.policy import Action

ORDERS = {"-created": "-id", "created": "id"}
SKEW = timedelta(days=1)  # how wrong the clock of a host that makes ids may be; the ledger's own time decides
FOUND = 50  # definitions that a text may match


class Words(serializers.Field[Any, Any, Any, Any]):
    """Some of the words that there are, with commas between them."""

    default_error_messages = {"unknown": "There is no {wrong}. There are: {known}."}

    def __init__(self, words: Sequence[str], **options: Any) -> None:
        self.words = tuple(words)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> list[str]:
        given = [part for word in str(data).split(",") if (part := word.strip())]
        wrong = [repr(word) for word in given if word not in self.words]
        if wrong or not given:
            self.fail("unknown", wrong=", ".join(wrong) or "empty list", known=", ".join(self.words))
        return list(dict.fromkeys(given))

    def to_representation(self, value: Any) -> Any:
        return value


class RunsQuery(PageQuery):
    """Filters of the runs' list; all that are given hold. Moments come with an offset, and both ends are included."""

    state = Words(Run.State.values, required=False, help_text="One or more, with commas between them.")
    queue = serializers.CharField(required=False, max_length=64, help_text="Its name or an alias.")
    job = serializers.CharField(required=False, max_length=100, help_text="A job's name or alias.")
    definition = serializers.CharField(required=False, max_length=120, help_text="The definition's name.")
    schedule = serializers.CharField(required=False, max_length=120, help_text="The schedule's name.")
    concurrency_key = serializers.CharField(required=False, max_length=200)
    dedupe_key = serializers.CharField(required=False, max_length=200, help_text="As it was asked for.")
    created_since = Moment(required=False)
    created_until = Moment(required=False)
    finished_since = Moment(required=False)
    finished_until = Moment(required=False)
    q = serializers.CharField(
        required=False,
        min_length=2,
        max_length=120,
        help_text="A run's id, a key, or a part of a job's name or title or of a definition's name.",
    )
    order = serializers.ChoiceField(choices=list(ORDERS), required=False, default="-created")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for what in ("created", "finished"):
            since, until = attrs.get(f"{what}_since"), attrs.get(f"{what}_until")
            if since and until and since > until:
                raise serializers.ValidationError(
                    {f"{what}_until": [f"This is before `{what}_since`."]}, "before_since"
                )
        return attrs


def rows(asked: Mapping[str, Any], user: Any) -> QuerySet[Run]:
    """The runs, unordered, of queues that this user may read. One query is made here, where `q` is given.

    Raises UnknownQueue, and NotFound for a queue that is not the user's to read.
    """
    mine = _queues(asked.get("queue"), user)
    found = Run.objects.filter(**{**_exactly(asked), **mine})
    if "dedupe_key" in asked:
        found = found.filter(dedupe_key__in=_stored_keys(asked["dedupe_key"], asked.get("job")))
    return found.filter(_text(asked["q"].strip())) if "q" in asked else found


def id_floor(at: datetime) -> UUID:
    """The least id that a run may have that was created at this moment: the first 48 bits of a UUIDv7 are milliseconds."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return UUID(int=milliseconds << 80)


def _queues(asked: str | None, user: Any) -> dict[str, Any]:
    mine = reach.queues(user, Action.READ)
    if asked is not None:
        name = catalogue.canonical(asked)
        if name not in mine:
            raise NotFound(f"There is no queue {asked!r} among those that you may read.", "unknown_queue")
        return {"queue": name}
    return {} if len(mine) == len(catalogue.NAMES) else {"queue__in": mine}


def _exactly(asked: Mapping[str, Any]) -> dict[str, Any]:
    conditions = {
        **_one_or_more("state", asked.get("state")),
        **_one_or_more("job", names_of(asked["job"]) if "job" in asked else None),
        **{column: asked[name] for name, column in _COLUMNS.items() if name in asked},
    }
    if "definition" in asked:
        conditions["definition_id"] = Subquery(JobDefinition.objects.filter(name=asked["definition"]).values("pk")[:1])
    if "schedule" in asked:
        conditions["schedule_id"] = Subquery(Schedule.objects.filter(name=asked["schedule"]).values("pk")[:1])
    if "created_since" in asked:  # ids are in the order of creation: so the index of ids bounds the search
        conditions["id__gte"] = id_floor(asked["created_since"] - SKEW)
    ends = [asked[name] for name in ("created_until", "finished_until") if name in asked]
    if ends:
        conditions["id__lt"] = id_floor(min(ends) + SKEW)
    if {"finished_since", "finished_until"} & set(asked) and "queue" not in asked:
        conditions["queue__in"] = catalogue.NAMES  # the index of endings begins with the queue
    return conditions


_COLUMNS = {
    "concurrency_key": "concurrency_key",
    "created_since": "created_at__gte",
    "created_until": "created_at__lte",
    "finished_since": "finished_at__gte",
    "finished_until": "finished_at__lte",
}


def _one_or_more(name: str, values: Sequence[str] | None) -> dict[str, Any]:
    if values is None:
        return {}
    return {name: values[0]} if len(values) == 1 else {f"{name}__in": list(values)}


def _stored_keys(key: str, job: str | None) -> list[str]:
    """A client's key counts within its job, and is stored with it."""
    jobs = names_of(job) if job is not None else [spec.name for spec in registry.specs()]
    return [key, *(f"{name}:{key}" for name in jobs)]


def _text(term: str) -> Q:
    """Whole ids and keys, and parts of names: of those there are few, and runs are found through them by an index."""
    try:
        return Q(pk=UUID(term))
    except ValueError:
        pass
    low = term.lower()
    jobs = [spec.name for spec in registry.specs() if low in spec.name.lower() or low in spec.title.lower()]
    definitions = list(JobDefinition.objects.filter(name__icontains=term).values_list("pk", flat=True)[:FOUND])
    wanted = Q(dedupe_key__in=_stored_keys(term, None)) | Q(concurrency_key=term)
    if jobs:
        wanted |= Q(job__in=jobs)
    return wanted | Q(definition_id__in=definitions) if definitions else wanted
