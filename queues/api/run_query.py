"""Which runs a list is about: the query string → rows, newest first, that an index finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, Subquery
from rest_framework import serializers
from rest_framework.exceptions import NotFound

from queues import catalogue, registry
from queues.api.fields import Moment
from queues.api.pages import PageQuery
from queues.engine import reach
from queues.engine.bulk_count import names_of
from queues.ledger.requests import SKEW, id_floor
from queues.ledger.strands import First
from queues.models import JobDefinition, Run, Schedule
from queues.policy import Action

ORDERS = {"-created": "-id", "created": "id"}
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
    """The runs, unordered, of queues that this user may read, whatever the text `q` says: see `first`.

    Raises UnknownQueue, and NotFound for a queue that is not the user's to read.
    """
    found = Run.objects.filter(**_exactly(asked), **_mine(asked, user))
    if "dedupe_key" in asked:
        found = found.filter(dedupe_key__in=_stored_keys(asked["dedupe_key"], asked.get("job")))
    return found


def first(asked: Mapping[str, Any], user: Any, found: QuerySet[Run], order: str, limit: int) -> QuerySet[Run]:
    """No more of `found` than the first `limit` in this order ("id", "-id") for which the text holds, too: by the strands
    in which an index has them, where no index has all of them in this order."""
    top = First(found, order, limit)
    kinds: dict[str, Any] = {
        "states": asked.get("state", Run.State.values),
        "queues": _listed(_mine(asked, user)),
        "jobs": names_of(asked["job"]) if "job" in asked else None,
    }
    if "q" in asked:
        return _first_of_text(asked["q"].strip(), top, kinds)
    if "dedupe_key" in asked:
        return top.of(top.by_dedupe_key(_stored_keys(asked["dedupe_key"], asked.get("job"))))
    if ORDERED & asked.keys() or not (kinds["queues"] or {"state", "job"} & asked.keys()):
        return found
    return top.of(top.by_state(**kinds))


# An index has the runs of each of these by id; or, of the ends, so few of them that they are sorted.
ORDERED = frozenset({"definition", "schedule", "concurrency_key", "finished_since", "finished_until"})


def _mine(asked: Mapping[str, Any], user: Any) -> dict[str, Any]:
    mine = reach.queues(user, Action.READ)
    if "queue" in asked:
        name = catalogue.canonical(asked["queue"])
        if name not in mine:
            raise NotFound(f"There is no queue {asked['queue']!r} among those that you may read.", "unknown_queue")
        return {"queue": name}
    return {} if len(mine) == len(catalogue.NAMES) else {"queue__in": mine}


def _listed(mine: Mapping[str, Any]) -> list[str] | None:
    """The queues that `_mine` tells of; None for every queue."""
    return [mine["queue"]] if "queue" in mine else mine.get("queue__in")


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


def _first_of_text(term: str, top: First, kinds: Mapping[str, Any]) -> QuerySet[Run]:
    """Whole ids and keys, and parts of names: of those there are few, and runs are found through them by an index."""
    try:
        return top.rows.filter(pk=UUID(term))
    except ValueError:
        pass
    low = term.lower()
    named = {spec.name for spec in registry.specs() if low in spec.name.lower() or low in spec.title.lower()}
    jobs = named if kinds["jobs"] is None else named.intersection(kinds["jobs"])
    strands = [
        top.by_dedupe_key(_stored_keys(term, None)),
        top.by(concurrency_key=term),
        top.by_definition(JobDefinition.objects.filter(name__icontains=term)[:FOUND]),
    ]
    if jobs:
        strands.append(top.by_state(**{**kinds, "jobs": sorted(jobs)}))
    return top.of(*strands)
