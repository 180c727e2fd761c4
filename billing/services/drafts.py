"""Drafts of some contracts' periods: priced one by one, compared with the document before, stored together.

What cannot be priced is set aside with its reason and stops nobody. A draft whose digest is the same stays as it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from billing.drafting import draft
from billing.errors import CannotPrice
from billing.models import BillingRun, Contract, Document, RunItem, Seller
from billing.proration import Period
from billing.published import Published
from billing.selectors.changes import Changes
from billing.selectors.dossier import Dossier
from billing.selectors.due import OF_PERIODS, History, Stands, due, history
from billing.selectors.facts import dossiers
from billing.services.sheets import parties, sheet
from billing.services.storing import Key, Result, store

logger = logging.getLogger(__name__)
State = RunItem.State


@dataclass(frozen=True)
class Basis:
    """What is the same for a whole run: who bills, what is published, how to stop."""

    seller: Seller
    published: Published
    checkpoint: Callable[[], None] = lambda: None


def draft_contracts(
    run: BillingRun, contract_ids: Collection[int], basis: Basis, *, only: Key | None = None
) -> list[Result]:
    """Draft the due periods of these contracts, or draft them anew, in the caller's transaction, which holds the run's lock.

    What was sent back stays so, unless it is `only` what is asked for. Some twenty queries, and a few for each new draft.
    """
    contracts = {
        each.pk: each
        for each in Contract.objects.filter(pk__in=contract_ids)
        .select_related("customer", "jurisdiction")
        .order_by("code")
    }
    items = {
        (each.contract_id, each.period_start): each
        for each in run.items.filter(contract__in=contract_ids).select_related("document")
        if only is None or (each.contract_id, each.period_start) == only
    }
    past = history(list(contracts))
    plan = _plan(run, contracts, items, past, only)
    results = [*plan.excluded, *_price(run, plan, items, past, basis)]
    store(run, results, items, plan.kept, outlier_percent=basis.seller.outlier_percent)
    return results


@dataclass
class Plan:
    """Which of the due periods are priced, which are not billed here and why, and which items stay as they are."""

    excluded: list[Result] = field(default_factory=list)
    to_price: dict[Contract, list[Period]] = field(default_factory=dict)
    kept: set[Key] = field(default_factory=set)


def _plan(
    run: BillingRun, contracts: Mapping[int, Contract], items: Mapping[Key, RunItem], past: History, only: Key | None
) -> Plan:
    plan, elsewhere = Plan(), _elsewhere(run, contracts)
    plan.kept |= {key for key, item in items.items() if item.state == State.FINAL}
    for contract in contracts.values():
        for period in due(contract, run.through, past):
            key = (contract.pk, period.start)
            if only is not None and key != only:
                continue
            if only is None and key in items and items[key].state == State.SENT_BACK:
                plan.kept.add(key)
            elif contract.on_hold:
                plan.excluded.append(Result(contract, period, State.EXCLUDED, f"On hold: {contract.on_hold}"))
            elif key in elsewhere:
                plan.excluded.append(Result(contract, period, State.EXCLUDED, f"Drafted in run {elsewhere[key]}."))
            else:
                plan.to_price.setdefault(contract, []).append(period)
    return plan


def _price(run: BillingRun, plan: Plan, items: Mapping[Key, RunItem], past: History, basis: Basis) -> list[Result]:
    periods = {contract.pk: found for contract, found in plan.to_price.items()}
    renewed = [each.document_id for key, each in items.items() if each.document_id is not None and key not in plan.kept]
    others = _drafted(run, periods, renewed)
    changes = Changes({pk: [*past.standing.get(pk, ()), *others.get(pk, ())] for pk in periods}, periods)
    results = []
    for dossier in dossiers(list(plan.to_price), periods, past, home=basis.seller.currency, renewed=renewed):
        for period in periods[dossier.contract.pk]:
            basis.checkpoint()
            item = items.get((dossier.contract.pk, period.start))
            results.append(_priced(run, dossier, period, past, basis, changes, item.document if item else None))
    return results


def _priced(
    run: BillingRun, dossier: Dossier, period: Period, past: History, basis: Basis, changes: Changes, there: Document | None
) -> Result:  # fmt: skip
    """Nothing is read or written here, so whatever goes wrong is this contract's own trouble. `there`: the draft there is."""
    contract = dossier.contract
    try:
        work = dossier.work(period)
        figures = draft(work, basis.published)
        if figures is None:
            return Result(contract, period, State.NOTHING, "Nothing to bill.")
        generation = past.generation(contract.pk, period.start)
        made = sheet(run, contract, work, figures, generation, parties(basis.seller, contract, dossier.services))
    except CannotPrice as trouble:
        return Result(contract, period, State.SET_ASIDE, str(trouble)[:500])
    except Exception as trouble:
        logger.exception("A document of contract %s could not be priced.", contract.code)
        return Result(contract, period, State.SET_ASIDE, f"Not foreseen: {type(trouble).__name__}: {trouble}"[:500])
    same = there is not None and there.digest == made.document.digest
    if there is not None and same:
        made.document.pk = there.pk
    visits = dossier.visits_of(work)
    dossier.take(visits, figures.coupons)
    change = changes.since_the_last(contract.pk, period.start, figures, contract.currency)
    changes.note(contract.pk, period.start, made.document.pk, figures, contract.currency)
    return Result(
        contract, period, State.DRAFTED, sheet=made, change=change, visits=[dossier.visit_ids[code] for code in visits],
        coupons=[dossier.coupon_ids[code] for code in figures.coupons], same=same,
    )  # fmt: skip


def _elsewhere(run: BillingRun, contract_ids: Collection[int]) -> dict[Key, str]:
    """Periods that have a draft already which is not this run's."""
    drafts = Document.objects.filter(OF_PERIODS, contract__in=contract_ids, state=Document.State.DRAFT).exclude(run=run)
    return {
        (contract, start): code or "?"
        for contract, start, code in drafts.values_list("contract_id", "period_start", "run__code")
        if contract is not None and start is not None
    }


def _drafted(run: BillingRun, contract_ids: Collection[int], renewed: Collection[UUID]) -> dict[int, list[Stands]]:
    """This run's other drafts of these contracts."""
    found: dict[int, list[Stands]] = {}
    drafts = run.documents.filter(contract__in=contract_ids, state=Document.State.DRAFT).exclude(pk__in=renewed)
    for pk, contract, start, kind, gross in drafts.values_list(
        "pk", "contract_id", "period_start", "kind", "gross_minor"
    ):
        if contract is not None and start is not None:
            signed = -gross if kind == Document.Kind.CREDIT_NOTE else gross
            found.setdefault(contract, []).append(Stands(pk, start, signed))
    return found
