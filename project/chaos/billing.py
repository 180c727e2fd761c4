"""`--billing N`: a month of N contracts is drafted, approved, made final and collected while workers, Redis and PostgreSQL die.

Beside it an undisturbed twin: the same contracts, the same jobs. Both must come to the same documents, to the byte.
"""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from billing.models import Contract, Document, PaymentAccount, PaymentMethod
from billing.selectors import soundness
from billing.services import approval, finalise, open_payments, runs
from project.chaos import books_told, till
from project.chaos.experiment import ROLES
from project.chaos.fleet import Fleet
from project.chaos.month import CHIEF, CLERK, Blow, Month, Stuck, blows
from project.chaos.stage import Stage, tell
from project.chaos.twins import twin
from queues.models import Queue

MONTH, BEFORE, THROUGH = "2026-10", date(2026, 10, 1), date(2026, 11, 1)
QUEUES, WORKERS, AT_ONCE = ["billing", "external-api", "maintenance"], 2, 3
PATIENCE_S = 90.0
SHOWN = 10


def main(stage: Stage, options: Namespace) -> int:
    """Returns the exit code; the last line of the output is the JSON object."""
    till.open_it()
    open_payments.AFTER = timedelta(seconds=options.lease)  # so long whoever began a charge is thought to be at it
    stage.begin(ROLES)
    began = time.monotonic()
    tell(f"A hauler of {options.billing} contracts, billed to the end of September …")
    _hauler(options.billing, options.seed)
    calm_at = twin(stage.servers, stage.folder)
    rough_at = {"NAME": connections.settings["default"]["NAME"]}
    calm, _, wrong = _month(stage, "calm", calm_at, [])
    stage.servers.flush()
    rough, month, more = _month(stage, "rough", rough_at, blows(options.seed, options.database))
    wrong += more + books_told.differences(calm["told"], rough["told"])
    wrong += [f"charged {count} times: {key}" for key, count in rough["charges"].items() if count > 1]
    wrong += [f"charges, {key}" for key in calm["charges"].keys() ^ rough["charges"].keys()]
    wrong += [f"a blow never fell: {blow}" for blow in month.todo]
    for line in wrong[:SHOWN]:
        tell(f"WRONG  {line}")
    answer = {
        "contracts": options.billing, "documents": len(rough["told"]["document"]), "charges": sum(rough["charges"].values()),
        "charged_twice": sum(count - 1 for count in rough["charges"].values()), "wrong": len(wrong), "kills": dict(sorted(month.kills.items())),
        "asked_again": month.again, "calm_s": calm["took_s"], "rough_s": rough["took_s"], "took_s": round(time.monotonic() - began, 1),
        "database": options.database, "seed": options.seed,
    }  # fmt: skip
    print(json.dumps(answer), flush=True)
    return int(bool(wrong))


def _hauler(contracts: int, seed: int) -> None:
    """With September billed, so that what is recorded late shows in October; and with cards on file."""
    made: dict[str, Any] = {"contracts": contracts, "seed": seed, "month": MONTH, "verbosity": 0}
    with Path("/dev/null").open("w") as nowhere:
        call_command("sample_hauler", events="before", stdout=nowhere, **made)
        run = runs.prepare(BEFORE, actor=CLERK)
        approval.approve(run, actor=CHIEF, preview_hash=run.preview_hash)
        finalise.finalise(run.code, actor=CLERK)
        call_command("sample_hauler", events="month", stdout=nowhere, **made)
    for customer in {contract.customer for contract in Contract.objects.filter(auto_collect=True)}:
        PaymentAccount.objects.create(customer=customer, provider=till.NAME, reference=f"account-{customer.code}")
        PaymentMethod.objects.create(customer=customer, provider=till.NAME, reference=f"card-{customer.code}")
    Queue.objects.filter(name="billing").update(concurrency=AT_ONCE)
    Queue.objects.filter(name__in=QUEUES).update(executor="threads", rate_limit="")


def _month(
    stage: Stage, name: str, database: Mapping[str, Any], todo: list[Blow]
) -> tuple[dict[str, Any], Month, list[str]]:
    """One month on one database, by workers of its own."""
    tell(f"A {name} October …")
    connections.close_all()
    connections.settings["default"].update(database)
    books, began, wrong = stage.folder / f"till.{name}", time.monotonic(), []
    fleet, at = Fleet(stage.mother), {"database": dict(database), "books": str(books), "lease_s": stage.options.lease}
    for number in range(WORKERS):
        fleet.add(
            f"{name}-{number}",
            "worker",
            lambda holder: {"name": holder, "queues": QUEUES, "at": at},
        )
    month = Month(fleet, stage.servers, THROUGH, todo, PATIENCE_S, tell)
    try:
        month.close()
    except Stuck as stuck:
        wrong.append(f"{name}: {stuck}")
    for post in fleet.posts.values():
        post.over = True
    hung = stage.mother.end_all(15.0)
    wrong += [f"{name}: {each} did not go" for each in hung]
    wrong += [f"{name}: {fault}" for fault in soundness.faults()]
    if not Document.objects.filter(tax_point__gte=BEFORE, state="final").exists():
        wrong.append(f"{name}: nothing is final")
    charges = Counter(line.split()[0] for line in till.charges(books))
    found = {"told": books_told.told(), "charges": charges, "took_s": round(time.monotonic() - began, 1)}
    return found, month, wrong
