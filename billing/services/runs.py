"""The billing run: drafts for all periods that are due, sent back, drafted again, thrown away. Each change under the run's lock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from django.db import IntegrityError, transaction

from billing.errors import NoSeller, UnknownRun, WrongRunState
from billing.models import BillingRun, Document, RunItem, Seller
from billing.selectors.due import due_contracts, due_keys
from billing.selectors.published import published
from billing.selectors.sellers import today
from billing.services.drafts import Basis, draft_contracts
from billing.services.settling import settle
from queues.contract import Actor, ports

CHUNK = 50  # contracts in one transaction: what a crash loses, and how long others wait on SQLite
State = BillingRun.State
LIVE = BillingRun.LIVE
Told = Callable[[int, int], None]  # how many of how many


def open_run(through: date, *, actor: Actor, issue_date: date | None = None) -> BillingRun:
    """The live run through that day (the database lets there be one only), or a new one. Its code is the day; of later ones, with a
    number behind it. Audited."""
    with transaction.atomic():
        run = _live(through) or _new(through, issue_date or through, actor)
        if issue_date is not None and run.issue_date != issue_date:
            _audit(
                actor,
                "billing_run.date",
                run,
                before={"issue_date": str(run.issue_date)},
                after={"issue_date": str(issue_date)},
            )
            run.issue_date = issue_date
            run.save(update_fields=["issue_date"])
    return run


def prove_over(through: date) -> None:
    """That the day has come, where the seller is: nobody bills what is yet to happen. Raises WrongRunState."""
    last = today()
    if through > last:
        raise WrongRunState(
            f"{through} is yet to come, and periods are billed when they are over: give {last}, or a day before it."
        )


def prepare(
    through: date, *, actor: Actor, issue_date: date | None = None, on_progress: Told = lambda done, total: None,
    checkpoint: Callable[[], None] = lambda: None,
) -> BillingRun:  # fmt: skip
    """Draft every period that is due, or renew the drafts there are. Again is no harm: what is the same stays; who was stopped
    in the middle goes on. Raises NoSeller, WrongRunState, and whatever `checkpoint` raises."""
    seller = the_seller()
    run = open_run(through, actor=actor, issue_date=issue_date)
    basis = Basis(seller, published(), checkpoint)
    before = list(run.items.values_list("contract_id", flat=True).order_by("contract__code").distinct())
    contracts = list(dict.fromkeys([*due_contracts(through), *before]))
    done, total = 0, len(due_keys(through))
    for first in range(0, len(contracts), CHUNK):
        with transaction.atomic():
            run = locked(run.code, *LIVE)
            if run.state != State.OPEN:
                run.state = State.OPEN
                run.save(update_fields=["state"])
            done += len(draft_contracts(run, contracts[first : first + CHUNK], basis))
        on_progress(min(done, total), total)
    with transaction.atomic():
        run = locked(run.code, *LIVE)
        was = run.preview_hash
        settle(run, seller)
        if run.preview_hash != was or run.prepared_at is None:
            run.prepared_by, run.prepared_by_id, run.prepared_at = actor.label[:150], actor.user_id, ports.now()
            run.save(update_fields=["prepared_by", "prepared_by_id", "prepared_at"])
        _audit(actor, "billing_run.prepare", run, after=figures(run))
    return run


def send_back(document: Document, *, actor: Actor, why: str) -> RunItem:
    """Throw a draft away, with the reason; its period is due again in another run, or when it is drafted again here. An approval
    ends. Audited. Raises WrongRunState."""
    if not why.strip():
        raise WrongRunState("Say why it is sent back: whoever mends it reads that.")
    with transaction.atomic():
        if document.run is None:
            raise WrongRunState(f"{document} is in no billing run.")
        run = locked(document.run.code, *LIVE)
        item = run.items.select_related("contract").filter(document=document.pk, state=RunItem.State.DRAFTED).first()
        if item is None:
            raise WrongRunState(f"{document} is no draft of run {run.code} any more.")
        before = {"gross_minor": document.gross_minor, "currency": document.currency, "digest": document.digest}
        Document.objects.filter(pk=document.pk, state=Document.State.DRAFT).delete()
        item.document, item.state, item.reason = None, RunItem.State.SENT_BACK, why.strip()[:500]
        item.save(update_fields=["document", "state", "reason"])
        _settled(run)
        _audit(actor, "billing_run.send_back", run, before=before, after=_period(item), why=why)
    return item


def redraft(item: RunItem, *, actor: Actor, why: str = "") -> RunItem:
    """Draft one period of a run again: what was wrong with it is mended. An approval ends if the draft is another one. Audited.
    Raises WrongRunState, NoSeller."""
    with transaction.atomic():
        run = locked(item.run.code, *LIVE)
        there = (
            run.items.select_related("contract")
            .filter(contract=item.contract_id, period_start=item.period_start)
            .first()
        )
        if there is None or there.state == RunItem.State.FINAL:
            raise WrongRunState(f"The period from {item.period_start} is not to be drafted in run {run.code} any more.")
        found = draft_contracts(
            run, [item.contract_id], Basis(the_seller(), published()), only=(item.contract_id, item.period_start)
        )
        if not found:
            raise WrongRunState(f"The period from {item.period_start} is not due any more: prepare the run again.")
        _settled(run)
        made = run.items.select_related("contract", "document").get(
            contract=item.contract_id, period_start=item.period_start
        )
        _audit(
            actor,
            "billing_run.redraft",
            run,
            before={"state": there.state},
            after={**_period(made), "state": made.state},
            why=why,
        )
    return made


def discard(run: BillingRun, *, actor: Actor, why: str = "") -> BillingRun:
    """Throw all of a run's drafts away: its periods are due again. Audited. Raises WrongRunState, also where some are final."""
    with transaction.atomic():
        run = locked(run.code, *LIVE)
        if run.items.filter(state=RunItem.State.FINAL).exists():
            raise WrongRunState(f"Some documents of run {run.code} are final: finish it, and credit what is wrong.")
        before = figures(run)
        run.documents.filter(state=Document.State.DRAFT).delete()
        run.items.all().delete()
        run.state, run.expected, run.billed, run.excluded, run.totals = State.DISCARDED, 0, 0, 0, {}
        run.preview_hash = run.approved_hash = ""
        run.save()
        _audit(actor, "billing_run.discard", run, before=before, after={"state": run.state}, why=why)
    return run


def locked(code: str, *states: str) -> BillingRun:
    """The run, locked until the transaction ends, in one of these states. Raises UnknownRun, WrongRunState."""
    run = BillingRun.objects.select_for_update().filter(code=code).first()
    if run is None:
        raise UnknownRun(code)
    if run.state not in states:
        raise WrongRunState(f"Run {code} is {run.get_state_display().lower()}: this can't be done to it now.")
    return run


def the_seller() -> Seller:
    """Raises NoSeller."""
    seller = Seller.objects.order_by("pk").first()
    if seller is None:
        raise NoSeller
    return seller


def figures(run: BillingRun) -> dict[str, object]:
    """What the audit log and a job's result say of a run."""
    return {
        "run": run.code, "state": run.state, "through": str(run.through), "expected": run.expected, "billed": run.billed,
        "excluded": run.excluded, "unresolved": run.unresolved, "totals": run.totals, "preview_hash": run.preview_hash,
    }  # fmt: skip


def _settled(run: BillingRun) -> None:
    """A run that is still being prepared is settled when that ends."""
    if run.state != State.OPEN:
        settle(run, the_seller())


def _live(through: date) -> BillingRun | None:
    return BillingRun.objects.select_for_update().filter(through=through, state__in=LIVE).first()


def _new(through: date, issue_date: date, actor: Actor) -> BillingRun:
    taken = set(BillingRun.objects.filter(through=through).values_list("code", flat=True))
    code, number = str(through), 2
    while code in taken:
        code, number = f"{through}-{number}", number + 1
    try:
        with transaction.atomic():
            run = BillingRun.objects.create(code=code, through=through, issue_date=issue_date)
    except IntegrityError:  # another clerk was faster: it is one run
        theirs = _live(through)
        if theirs is None:  # and has thrown it away, or made it final, since
            raise WrongRunState(
                f"Somebody else billed through {through} just now: look at their run, and try again."
            ) from None
        return theirs
    _audit(actor, "billing_run.open", run, after={"through": str(through), "issue_date": str(issue_date)})
    return run


def _period(item: RunItem) -> dict[str, str]:
    return {"contract": item.contract.code, "period_start": str(item.period_start)}


def _audit(actor: Actor, action: str, run: BillingRun, **told: object) -> None:
    ports.auditor()(actor, action, object_type="billing_run", object_id=str(run.pk), object_label=run.code, **told)  # type: ignore[arg-type]
