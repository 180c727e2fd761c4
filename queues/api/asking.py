"""A request for a run → the run: which queue it is about, whether this user may, and the one service that does it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import NotFound, ValidationError

from queues import catalogue, policy, registry
from queues.api.json_types import dumped
from queues.contract import Actor
from queues.engine.dispatch import enqueue_job, run_definition
from queues.errors import FieldError, InvalidParams, NotAllowed
from queues.models import JobDefinition, Run
from queues.policy import Action


def ask(asked: Mapping[str, Any], user: Any, actor: Actor) -> Run:
    """Enqueue what a valid JobRequest asks for.

    Raises UnknownJob, NotFound (no such definition), NotAllowed, InvalidParams (fields under "params."), Disabled,
    TooLarge, ValidationError.
    """
    definition = named_definition(asked["definition"]) if "definition" in asked else None
    spec = registry.get(definition.job if definition else asked["job"])
    require(user, catalogue.canonical(spec.queue))
    options = _options(asked, spec.name)
    params, at, why = asked.get("params") or {}, asked.get("at"), asked.get("why", "")
    try:
        if definition is None:
            dumped(spec, params)
            return enqueue_job(spec.name, params, actor=actor, at=at, why=why, **options)
        if definition.unique and "dedupe_key" in options:
            message = "This definition has one live run at a time by its own key; leave dedupe_key out."
            raise ValidationError({"dedupe_key": [message]}, "not_for_unique")
        return run_definition(definition, params, actor=actor, at=at, why=why, **options)
    except InvalidParams as error:
        raise InvalidParams(error.job, [in_body(each) for each in error.errors]) from None


def named_definition(name: str) -> JobDefinition:
    """Raises NotFound, with the nearest name."""
    found = JobDefinition.objects.filter(name=name).first()
    if found is not None:
        return found
    near = difflib.get_close_matches(name, JobDefinition.objects.values_list("name", flat=True), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise NotFound(f"There is no definition named {name!r}.{hint}", "unknown_definition")


def require(user: Any, queue: str) -> None:
    """Raises NotAllowed, with the queues that are open to this user, unless jobs of this one may be run."""
    if not policy.may(user, Action.ENQUEUE, queue=queue):
        mine = ", ".join(policy.operable_queues(user))
        raise NotAllowed(f"Your roles do not let you run jobs of the queue {queue}; they do on: {mine}.")


def _options(asked: Mapping[str, Any], job: str) -> dict[str, Any]:
    """A client's dedupe key counts within its job: it can neither see nor block another job's runs."""
    options = {name: asked.get(name) for name in ("priority", "dedupe_key", "fresh")}
    if options["dedupe_key"] is not None:
        options["dedupe_key"] = f"{job}:{options['dedupe_key']}"
    return {name: value for name, value in options.items() if value is not None}


def in_body(error: FieldError) -> FieldError:
    """A parameter's path as the client wrote it; `at` is no parameter when it has just passed."""
    if error.code == "in_past" and error.field == "at":
        return error
    return FieldError(f"params.{error.field}" if error.field else "params", error.message, error.code)
