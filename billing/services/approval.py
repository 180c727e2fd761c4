"""Who may say yes to a run, and to what: the preview as it was seen, by its hash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from billing.errors import SecondPerson, StalePreview, WrongRunState
from billing.models import BillingRun, Seller
from billing.services.runs import figures, locked, the_seller
from queues.contract import Actor, ports


def approve(run: BillingRun, *, actor: Actor, preview_hash: str, why: str = "") -> BillingRun:
    """Approve the drafts as they were seen. Again with the same hash is no harm. Audited.

    Raises StalePreview where the hash is another one by now, SecondPerson where it takes somebody else, WrongRunState.
    """
    with transaction.atomic():
        run = locked(run.code, BillingRun.State.PREPARED, BillingRun.State.APPROVED)
        if preview_hash != run.preview_hash:
            raise StalePreview("The drafts changed since this preview was made: look at them again, then approve.")
        if run.state == BillingRun.State.APPROVED:
            return run
        if run.unresolved:
            raise WrongRunState(f"{run.unresolved} periods are neither billed nor excluded: prepare the run again.")
        if takes_a_second_person(run, the_seller()) and not is_another_person(run, actor):
            raise SecondPerson(
                f"This run is above the amount that one person may bill: {run.prepared_by or 'nobody'} prepared it, somebody else approves it."
            )
        run.state, run.approved_hash, run.approved_at = BillingRun.State.APPROVED, preview_hash, ports.now()
        run.approved_by, run.approved_by_id = actor.label[:150], actor.user_id
        run.save(update_fields=["state", "approved_hash", "approved_at", "approved_by", "approved_by_id"])
        ports.auditor()(
            actor, "billing_run.approve", object_type="billing_run", object_id=str(run.pk), object_label=run.code,
            before={"state": "prepared"}, after=figures(run), why=why,
        )  # fmt: skip
    return run


def takes_a_second_person(run: BillingRun, seller: Seller) -> bool:
    """Whether any currency's total, in the seller's, is above what one person may bill."""
    sums: Mapping[str, Mapping[str, Any]] = run.totals
    return any(abs(each.get("home", 0)) > seller.approve_above_minor for each in sums.values())


def is_another_person(run: BillingRun, actor: Actor) -> bool:
    """Whether a person acts, and not the one who prepared. Who comes by an API key is the key's owner."""
    if actor.user_id is None:
        return False
    same_name = _person(actor.label) == _person(run.prepared_by)
    return actor.user_id != run.prepared_by_id and not same_name


def _person(label: str) -> str:
    return label.partition(" (")[0]
