"""A run's figures, worked out anew whenever a draft of it changes: how many, how much, and the hash that an approval is of."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import Any

from billing.models import BillingRun, Document, RunItem, Seller
from billing.money import major, minor, minor_digits, rounded
from billing.selectors.due import due_keys
from billing.services import digests

BILLED = {RunItem.State.DRAFTED, RunItem.State.FINAL}


def settle(run: BillingRun, seller: Seller) -> None:
    """In the transaction that changed the drafts, which holds the run's lock. An approval of the same hash stays; of another one
    it ends."""
    items = list(run.items.order_by().values_list("contract_id", "period_start", "state"))
    billed = {(contract, start) for contract, start, state in items if state in BILLED}
    excluded = {(contract, start) for contract, start, state in items if state not in BILLED}
    final = {(contract, start) for contract, start, state in items if state == RunItem.State.FINAL}
    run.expected = len(due_keys(run.through) | final)
    run.billed, run.excluded = len(billed), len(excluded)
    run.totals = totals(run, seller)
    run.preview_hash = digests.of_run(digests.drafts_of(run.pk))
    if run.approved_hash and run.approved_hash == run.preview_hash:
        run.state = BillingRun.State.APPROVED
    else:
        run.state, run.approved_hash = BillingRun.State.PREPARED, ""
        run.approved_by, run.approved_by_id, run.approved_at = "", None, None
    run.save()


def totals(run: BillingRun, seller: Seller) -> dict[str, dict[str, Any]]:
    """By currency, in its minor units; `home`: in the seller's, at the documents' rates. Credit notes count less."""
    found: dict[str, dict[str, Any]] = defaultdict(lambda: dict.fromkeys(("documents", "net", "tax", "gross"), 0))
    home: dict[str, Fraction] = defaultdict(Fraction)
    columns = ("currency", "kind", "net_minor", "tax_minor", "gross_minor", "exchange_rate")
    for currency, kind, net, tax, gross, rate in run.documents.order_by("currency").values_list(*columns):
        sign, sums = -1 if kind == Document.Kind.CREDIT_NOTE else 1, found[currency]
        sums["documents"] += 1
        for name, amount in (("net", net), ("tax", tax), ("gross", gross)):
            sums[name] += sign * amount
        home[currency] += Fraction(major(sign * gross, currency)) * Fraction(rate if rate is not None else 1)
    for currency, sums in found.items():
        sums["home"] = minor(rounded(home[currency], minor_digits(seller.currency)), seller.currency)
    return dict(found)
