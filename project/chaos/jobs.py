"""The jobs of a chaos run. Imported only by its own processes: production's registry never knows them.

Each leaves one row in `chaos_done`, which has no unique constraint, so that a doubling shows.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pydantic
from django.db import connection

from project.chaos.bank import Bank
from queues.contract import Done, Effect, JobContext
from queues.engine.outbox import provider
from queues.outbound import OutboundRequest
from queues.registry import JobSpec, spec


class Order(pydantic.BaseModel):
    """`key` is the business key of the job's one effect; "" for its run's id. `work_s`: how long it takes."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    key: str = ""
    work_s: float = 0.02


PATIENT: dict[str, Any] = {"max_attempts": 10, "backoff_base_s": 0.2, "backoff_cap_s": 2.0, "timeout_s": 60}

report = spec("chaos.report", queue="reports", params=Order, **PATIENT)
document = spec("chaos.document", queue="reports", params=Order, **PATIENT)
invoice = spec("chaos.invoice", queue="billing", params=Order, **PATIENT)
keyed = spec("chaos.keyed", queue="route-optimization", params=Order, key_limit=1, **PATIENT)
fired = spec("chaos.fired", queue="maintenance", params=Order, **PATIENT)
poison = spec("chaos.poison", queue="reports", params=Order, **PATIENT)
glutton = spec("chaos.glutton", queue="external-api", params=Order, **PATIENT)
charge = spec("chaos.charge", queue="reports", params=Order, **PATIENT)
BY_KIND: dict[str, JobSpec[Order]] = {
    "report": report, "document": document, "invoice": invoice, "keyed": keyed, "charge": charge,
    "poison": poison, "glutton": glutton,
}  # fmt: skip


@report.handler
def _report(ctx: JobContext, params: Order) -> Done:
    """The fast way: the effect is written by the ledger, with the ending."""
    time.sleep(params.work_s)
    return Done({"key": params.key}, effects=[Effect(params.key or str(ctx.run_id))])


def _in_own_transaction(ctx: JobContext, params: Order) -> Done:
    """The way for documents: the effect and the domain's row in one transaction of the handler's."""
    time.sleep(params.work_s / 2)
    key = params.key or str(ctx.run_id)
    with ctx.effect(key) as slot:
        time.sleep(params.work_s / 2)
        if slot.fresh:
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO chaos_done (key, run, token) VALUES (%s, %s, %s)",
                    [key, ctx.run_id.hex, ctx.token.hex],  # type: ignore[attr-defined]
                )
    return Done({"key": key})


for _spec in (document, invoice, keyed, fired):
    _spec.handler(_in_own_transaction)

provider(Bank())


@charge.handler
def _charge(ctx: JobContext, params: Order) -> Done:
    """A call to outside, and its effect with the ending."""
    key = params.key or str(ctx.run_id)
    ctx.call(OutboundRequest(key=key, provider=Bank.name, operation="charge", request={"usd": "1.00"}))
    return Done({"key": key}, effects=[Effect(key)])


ENDS: list[Callable[[], object]] = [lambda: os._exit(13), lambda: os.kill(os.getpid(), signal.SIGKILL)]


@poison.handler
def _poison(ctx: JobContext, params: Order) -> Done:
    """Takes its process with it."""
    ENDS[sum(params.key.encode()) % len(ENDS)]()
    raise AssertionError("a process that is dead goes no further")


@glutton.handler
def _glutton(ctx: JobContext, params: Order) -> Done:
    """Takes memory without end."""
    held = []
    while True:
        held.append(bytearray(os.urandom(1024)) * 8192)
        time.sleep(0.005)
