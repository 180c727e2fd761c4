"""The slots of effects: business facts that happen once, by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from queues.contract import Json
from queues.ledger import clock
from queues.models import EffectRecord


class Slip:
    """The slot of one effect: see queues.contract.EffectSlot."""

    def __init__(self, fresh: bool, result: Json) -> None:
        self.fresh, self.result = fresh, result

    def keep(self, result: Json) -> None:
        self.result = result


def take(keys: Sequence[str], *, run_id: UUID, job: str) -> dict[str, Slip]:
    """Insert the keys that are new, and lock all of them, in the caller's transaction. A slot is fresh where the fact is yet to happen; who
    brings the same key meanwhile waits. In one order, so that two who bring several never wait for each other."""
    now, ordered = clock.now(), sorted(set(keys))
    EffectRecord.objects.bulk_create(
        [EffectRecord(key=key, run_id=run_id, job=job, created_at=now) for key in ordered], ignore_conflicts=True
    )
    records = EffectRecord.objects.select_for_update().filter(pk__in=ordered).order_by("pk")
    return {
        record.pk: Slip(fresh=record.run_id == run_id and record.result is None, result=record.result)
        for record in records
    }


def fill(results: Mapping[str, Json]) -> None:
    """What each fact came to. Nothing said is an empty result: it happened."""
    rows = [EffectRecord(key=key, result={} if result is None else result) for key, result in results.items()]
    if len(rows) == 1:
        EffectRecord.objects.filter(pk=rows[0].pk).update(result=rows[0].result)
    elif rows:
        EffectRecord.objects.bulk_update(rows, ["result"])
