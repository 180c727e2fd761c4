"""Many requests for runs, each accepted or refused by itself, in the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from queues import catalogue, registry
from queues.api import shapes
from queues.api.asking import ask, in_body, require
from queues.api.json_types import dumped
from queues.api.problems import Problem, problem_of
from queues.api.serializers import JobRequest
from queues.contract import Actor
from queues.engine.batches import enqueue_alike
from queues.errors import InvalidParams

Answer = dict[str, Any]
Member = tuple[int, dict[str, Any], dict[str, Any]]  # the item's place, what it asks for, its parameters as stored
SHARED = ("at", "priority", "fresh", "why")  # what runs that are enqueued together have alike


class Batch:
    """One batch on its way: `answers` by the place of each item."""

    def __init__(self, user: Any, actor: Actor) -> None:
        self.user, self.actor = user, actor
        self.answers: dict[int, Answer] = {}

    def accept(self, items: Sequence[Mapping[str, Any]]) -> list[Answer]:
        """In the order of the items. Raises DatabaseError and whatever is a fault of ours: then nothing is accepted."""
        alike: dict[tuple[Any, ...], list[Member]] = defaultdict(list)
        others: list[tuple[int, dict[str, Any]]] = []
        for place, item in enumerate(items):
            with self._own_problem(place):
                asked = shapes.given(JobRequest, item)
                if "definition" in asked or asked.get("dedupe_key") is not None:
                    others.append((place, asked))
                else:
                    alike[self._what(asked)].append((place, asked, self._params(asked)))
        for what, members in alike.items():
            if len(members) > 1:
                self._together(what, members)
            else:
                others += [(place, asked) for place, asked, _ in members]
        for place, asked in others:
            with self._own_problem(place), transaction.atomic():
                run = ask(asked, self.user, self.actor)
                cached = run.answer is not None and run.answer.cached
                self._accepted(place, run.id, run.job, run.queue, run.state, cached)
        return [self.answers[place] for place in range(len(items))]

    def _what(self, asked: Mapping[str, Any]) -> tuple[Any, ...]:
        spec = registry.get(asked["job"])
        require(self.user, catalogue.canonical(spec.queue))
        return spec.name, *(asked.get(name) for name in SHARED)

    def _params(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        spec = registry.get(asked["job"])
        try:
            return dumped(spec, asked.get("params") or {})
        except InvalidParams as error:
            raise InvalidParams(error.job, [in_body(each) for each in error.errors]) from None

    def _together(self, what: tuple[Any, ...], members: Sequence[Member]) -> None:
        job, *shared = what
        options = {name: value for name, value in zip(SHARED, shared, strict=True) if value is not None}
        refs = enqueue_alike(job, [params for _, _, params in members], actor=self.actor, **options)
        queue = catalogue.canonical(registry.get(job).queue)
        for (place, *_), ref in zip(members, refs, strict=True):
            self._accepted(place, ref.id, job, queue, ref.state, ref.cached)

    def _accepted(self, place: int, run_id: UUID, job: str, queue: str, state: str, cached: bool) -> None:
        url = reverse("api-run", args=[queue, run_id])
        run = {"id": str(run_id), "url": url, "job": job, "queue": queue, "state": state, "cached": cached}
        self.answers[place] = {"index": place, "status": 202, "run": run, "problem": None}

    @contextmanager
    def _own_problem(self, place: int) -> Iterator[None]:
        """What is wrong with one item is told in its place; what is wrong here is the whole request's."""
        try:
            yield
        except Exception as error:
            problem = problem_of(error)
            if problem.status >= 500:
                raise
            self.answers[place] = self._refused(place, problem)

    def _refused(self, place: int, problem: Problem) -> Answer:
        return {
            "index": place,
            "status": problem.status,
            "run": None,
            "problem": problem.body(self.actor.request_id),
        }


def still_open(user: Any) -> Callable[[Answer], None]:
    """For whom a kept answer is told again: the queues of all its runs must be open by now. Raises NotAllowed."""

    def check(kept: Answer) -> None:
        for queue in sorted({item["run"]["queue"] for item in kept["items"] if item["run"] is not None}):
            require(user, queue)

    return check
