"""The benchmarks' own job: real registry, typed parameters, context and outcome; the body does nothing, or waits."""

from __future__ import annotations

import time

import pydantic

from queues.contract import Done, Effect, JobContext
from queues.registry import spec

QUEUE = "reports"


class Work(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    n: int = 0
    wait_s: float = 0.0
    effect: bool = False


work = spec("benchmarks.work", queue=QUEUE, params=Work, title="Benchmark work")


@work.handler
def _(ctx: JobContext, params: Work) -> Done:
    if params.wait_s:
        time.sleep(params.wait_s)
    return Done({"n": params.n}, effects=[Effect(f"benchmark:{ctx.run_id}")] if params.effect else ())
