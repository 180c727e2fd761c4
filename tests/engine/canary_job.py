"""A job that says its parameters wherever it can, and ends as it is told to. For tests alone."""

from __future__ import annotations

import logging
from typing import Literal

import pydantic

from queues import registry
from queues.contract import Cancel, Done, Effect, JobContext, Outcome
from queues.sealing import Sealed

log = logging.getLogger("canary")


class Cage(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    end: Literal["done", "dead", "retry", "cancel", "exit"]
    open: str  # not sealed: what a search that finds anything must find
    hidden: Sealed[str]


tell = registry.spec("tests.canary", queue="reports", params=Cage, max_attempts=2, backoff_base_s=0.1, cache_ttl_s=60)


@tell.handler
def _(ctx: JobContext, params: Cage) -> Outcome:
    said = f"{params.open} and {params.hidden} and {params.hidden.upper()} and {params!r}"
    ctx.progress(1, 2, said)
    ctx.log(said)
    log.warning("It says %s", said)
    with ctx.effect(f"canary:{ctx.run_id}") as slip:
        slip.keep({"said": said})
    if params.end == "cancel":
        return Cancel(said)
    if params.end == "exit":
        raise SystemExit(said)
    if params.end in ("dead", "retry"):
        try:
            raise KeyError(said)
        except KeyError as error:
            log.exception("It fails with %s", said)
            raise (ValueError if params.end == "dead" else OSError)(said) from error
    return Done({"said": said, params.hidden: [params.hidden]}, effects=[Effect(f"said:{ctx.run_id}", {"said": said})])
