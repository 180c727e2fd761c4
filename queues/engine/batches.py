"""Many runs that a person or client asks for in one request: those that differ only in their parameters go together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from queues import registry
from queues.contract import Actor, Json, RunRef, RunRequest
from queues.engine.dispatch import dispatch_alike
from queues.ledger import audit


def enqueue_alike(
    job: str, many: Sequence[Mapping[str, Json]], *, actor: Actor, why: str = "", **options: Any
) -> list[RunRef]:
    """A run of the job for each of these parameters (see JobSpec.dump), in their order; audited with one entry.

    Options: at, priority, fresh (see RunRequest). Raises UnknownJob, DatabaseError.
    """
    spec = registry.get(job)
    request = RunRequest(job=spec.name, params={}, actor=actor, **options)
    with transaction.atomic():
        refs = dispatch_alike(request, [json.dumps(params, separators=(",", ":")) for params in many])
        made = [ref for ref in refs if ref.created]
        if made:
            due_at = request.at.isoformat() if request.at else None
            audit.write(
                actor, "run.enqueue_many", object_type="runs", object_id="many",
                object_label=f"{len(made):,} runs: {spec.title}",
                after={
                    "job": spec.name, "count": len(made), "due_at": due_at, "first": str(made[0].id),
                    "last": str(made[-1].id),
                },
                why=why,
            )  # fmt: skip
    return refs
