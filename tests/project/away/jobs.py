"""A job that takes its time, and leaves a line for every execution and an effect for every run."""

from __future__ import annotations

import os
import time

import pydantic

from queues.contract import Done, Effect, JobContext
from queues.registry import spec


class Errand(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    wait_s: float = 0.0


errand = spec("tests.errand", queue="reports", params=Errand, title="An errand")


@errand.handler
def _(ctx: JobContext, params: Errand) -> Done:
    time.sleep(params.wait_s)
    return Done({"by": os.getpid()}, effects=[Effect(f"errand:{ctx.run_id}")])
