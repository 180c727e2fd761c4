"""A request for a run → the row that will hold it. Pure but for the registry and the clock."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from queues import catalogue, registry
from queues.contract import Actor, RunRequest
from queues.errors import Disabled
from queues.ledger import clock, states
from queues.models import JobDefinition, Run
from queues.packing import pack

LONGEST_REUSE_S = 366 * 86400.0
SKEW = timedelta(days=1)  # how wrong the clock of a host that makes ids may be; the ledger's own time decides


def new_id() -> UUID:
    """A UUIDv7: run ids sort by creation."""
    return uuid7()


def id_floor(at: datetime) -> UUID:
    """The least id that a run may have that was created at this moment: the first 48 bits of a UUIDv7 are milliseconds."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return UUID(int=milliseconds << 80)


def request_for(
    definition: JobDefinition,
    values: Mapping[str, Any] | None = None,
    *,
    actor: Actor,
    at: datetime | None = None,
    **options: Any,
) -> RunRequest:
    """A definition with `values` over its own parameters. Raises Disabled, UnknownJob, InvalidParams, TooLarge."""
    if not definition.enabled:
        raise Disabled(f"The definition {definition.name!r} is switched off; switch it on before running it.")
    spec = registry.get(definition.job)
    params = spec.validate({**definition.params, **(values or {})})
    chosen = {
        "priority": definition.priority,
        "timeout_s": definition.timeout_s,
        "max_attempts": definition.max_attempts,
        "dedupe_key": f"definition:{definition.pk}" if definition.unique else None,
        "cache_ttl_s": definition.cache_ttl_s,
        **options,
    }
    return spec.request(params, actor=actor, at=at, definition_id=definition.pk, **chosen)


def new_run(request: RunRequest) -> Run:
    """One run, not yet inserted. Raises UnknownJob, UnknownQueue."""
    return Run(**new_row(request))


def new_row(request: RunRequest) -> dict[str, Any]:
    """The columns of a new run; the others have their defaults. Raises UnknownJob, UnknownQueue."""
    spec = registry.get(request.job)
    now = clock.now()
    due_at = request.at if request.at is not None else now
    row = {
        "id": new_id(),
        "job": spec.name,
        "queue": catalogue.canonical(request.queue or spec.queue),
        "state": states.SCHEDULED if due_at > now else states.PENDING,
        "priority": _or(request.priority, spec.priority),
        **params_columns(request.params),
        "definition_id": request.definition_id,
        "schedule_id": request.schedule_id,
        "parent_id": request.parent_id,
        "dedupe_key": request.dedupe_key,
        "concurrency_key": request.concurrency_key,
        "key_limit": spec.key_limit if request.concurrency_key else None,
        "max_attempts": _or(request.max_attempts, spec.max_attempts),
        "timeout_s": _or(request.timeout_s, spec.timeout_s),
        "backoff_base_s": spec.backoff_base_s,
        "backoff_cap_s": spec.backoff_cap_s,
        "created_at": now,
        "due_at": due_at,
        "actor": request.actor.label[:150],
        "source": request.actor.source,
        "request_id": request.actor.request_id[:64],
    }
    if reusable_s(request.job, request.cache_ttl_s) > 0:
        row["cache_key"] = spec.cache_key(request.params)
    return row


def reusable_s(job: str, own_s: float | None) -> float:
    """How long a result of the job answers the same request, a year at most; 0: never. `own_s` is a definition's or a
    request's own word, which goes before the job's. Raises UnknownJob."""
    return min(own_s if own_s is not None else registry.get(job).cache_ttl_s or 0, LONGEST_REUSE_S)


def params_columns(params: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that hold parameters: long ones are packed (Run.parameters reads both)."""
    packed = pack(json.dumps(params, separators=(",", ":")))
    return {"params": params} if packed is None else {"params": {}, "packed": packed}


def _or(value: Any, fallback: Any) -> Any:
    return fallback if value is None else value
