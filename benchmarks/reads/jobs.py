"""The jobs of a large hauler, as the web process of the measurement finds them. The bodies do nothing: nobody runs them here."""

from __future__ import annotations

import pydantic

from benchmarks.reads.shares import SHARES
from queues.contract import Done
from queues.registry import spec


class Work(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    n: int = 0


for _name, (_queue, *_) in SHARES.items():
    spec(
        _name, queue=_queue, params=Work, title=f"{_name.split('.')[1].replace('_', ' ').capitalize()} (sample)"
    ).handler(lambda ctx, params: Done())
