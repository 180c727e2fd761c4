"""The measured jobs: through registry, typed parameters, context and outcome, with the peers' payload and body."""

from __future__ import annotations

import os
from uuid import UUID

import pbtask  # the peers' own: it is in the path of a measurement's processes
import pydantic

from queues.contract import Done, Effect, JobContext
from queues.registry import JobSpec, spec

QUEUE = "reports"


class Message(pydantic.BaseModel):
    """The payload that every system is given."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    messageId: UUID
    userId: str
    messageType: str
    scheduledSendTime: pydantic.AwareDatetime
    timestamp: int
    retryCount: int


class Work(pydantic.BaseModel):
    """`i`: the number of the job's slot in the recorder's file."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    i: int
    msg: Message


work = spec("stand.work", queue=QUEUE, params=Work)
awork = spec("stand.awork", queue=QUEUE, params=Work)
effect = spec("stand.effect", queue=QUEUE, params=Work)
BY_NAME: dict[str, JobSpec[Work]] = {"work": work, "awork": awork, "effect": effect}


def chosen() -> JobSpec[Work]:
    """The job that this process enqueues: PB_JOB names it."""
    return BY_NAME[os.environ.get("PB_JOB", "work")]


@work.handler
def _work(ctx: JobContext, params: Work) -> Done:
    pbtask.work(params.i, params.msg)
    return Done({"i": params.i}) if pbtask.RET else Done()


@awork.handler
async def _awork(ctx: JobContext, params: Work) -> Done:
    await pbtask.awork(params.i, params.msg)
    return Done()


@effect.handler
def _effect(ctx: JobContext, params: Work) -> Done:
    """One unique business row a job."""
    pbtask.work(params.i, params.msg)
    return Done(effects=[Effect(f"stand:{params.i}")])
