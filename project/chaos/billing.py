"""`--billing N`: a month of N contracts is drafted, approved, made final, collected and told in files while workers, Redis and PostgreSQL die,
workers stand still and connections freeze.

Beside it an undisturbed twin: the same contracts, the same jobs. Both must come to the same documents, and the same files, to the byte.
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
from project.chaos.blows import Blow, blows
from project.chaos.experiment import ROLES
from project.chaos.fleet import Fleet
from project.chaos.month import CHIEF, CLERK, Month, Stuck
from project.chaos.sleepers import Sleepers
from project.chaos.snares import Snares
from project.chaos.stage import Stage, tell
from project.chaos.striker import Striker
from project.chaos.twins import twin
from queues.models import Queue

MONTH, BEFORE, THROUGH = "2026-10", date(2026, 10, 1), date(2026, 11, 1)
QUEUES, WORKERS, AT_ONCE = ["billing", "external-api", "maintenance", "reports"], 3, 3
PATIENCE_S, PACE_S = 90.0, 0.05
SHOWN, UNPROVED = 10, 4


def main(stage: Stage, options: Namespace) -> int:
    """Returns the exit code; the last line of the output is the JSON object."""
    till.open_it()
    open_payments.AFTER = timedelta(seconds=options.lease)  # so long whoever began a charge is thought to be at it
    stage.begin(ROLES, range(WORKERS))
    began = time.monotonic()
    tell(f"A hauler of {options.billing} contracts, billed to the end of September …")
    _hauler(options.billing, options.seed)
    calm_at = twin(stage.servers, stage.folder)
    rough_at = {"NAME": connections.settings["default"]["NAME"]}
    calm, _, wrong = _month(stage, "calm", calm_at, [])
    stage.servers.flush()
    rough, month, more = _month(stage, "worker", rough_at, blows(options.seed, options.database))
    wrong += more + month.striker.sleepers.faults()
    wrong += [f"charged {count} times: {key}" for key, count in rough["charges"].items() if count > 1]
    wrong += [f"charges, {key}" for key in calm["charges"].keys() ^ rough["charges"].keys()]
    if month.striker.kills["answered"] and not rough["looked_up"]:
        wrong.append("no charge whose sender died was looked up")
    wrong += books_told.differences(calm["told"], rough["told"])
    wrong += books_told.files_differ(calm["files"], rough["files"])
    for line in wrong[:SHOWN]:
        tell(f"WRONG  {line}")
    unproved = month.striker.never_fell()
    if unproved:
        tell(f"The month was over too soon for: {', '.join(unproved)}. Take more contracts, or another seed.")
    answer = {
        "contracts": options.billing, "documents": len(rough["told"]["document"]), "files": len(rough["files"]), "files_compared": len(calm["files"]),
        "charges": sum(rough["charges"].values()), "charged_twice": sum(count - 1 for count in rough["charges"].values()),
        "looked_up": rough["looked_up"], "woke_too_late": month.striker.sleepers.woke_too_late,
        "wrong": len(wrong), "never_fell": unproved, "kills": dict(sorted(month.striker.kills.items())),
        "asked_again": month.again, "calm_s": calm["took_s"], "rough_s": rough["took_s"], "took_s": round(time.monotonic() - began, 1),
        "database": options.database, "seed": options.seed,
    }  # fmt: skip
    print(json.dumps(answer), flush=True)
    return 1 if wrong else UNPROVED if unproved else 0


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
    """One month on one database, by workers of its own ("worker-0" and so on reach their servers through the proxy), each with one job at a time."""
    tell(f"A {'rough' if todo else 'calm'} October …")
    connections.close_all()
    connections.settings["default"].update(database)
    books, began, wrong = stage.folder / f"till.{name}", time.monotonic(), []
    fleet, snares = Fleet(stage.mother), Snares(stage.folder / f"snares.{name}")
    snares.folder.mkdir()
    for number in range(WORKERS):
        at = stage.at(f"{name}-{number}")
        at |= {"database": {**database, **at.get("database", {})}, "lease_s": stage.options.lease}
        at |= {"books": str(books)} | ({"snares": str(snares.folder), "pace_s": PACE_S} if todo else {})
        fleet.add(
            f"{name}-{number}",
            "worker",
            lambda holder, at=at: {"name": holder, "queues": QUEUES, "slots": 1, "at": at},  # type: ignore[misc]
        )
    month = Month(
        Striker(
            fleet,
            stage.servers,
            snares,
            stage.proxy,
            todo,
            Sleepers(stage.mother),
        ),
        THROUGH,
        PATIENCE_S,
        tell,
        with_files=bool(todo),
    )
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
    if not todo:
        books_told.sample(str(THROUGH))
    found = {
        "told": books_told.told(), "files": books_told.files(), "charges": Counter(line.split()[0] for line in till.charges(books)),
        "looked_up": len(till.looks(books)), "took_s": round(time.monotonic() - began, 1),
    }  # fmt: skip
    return found, month, wrong
