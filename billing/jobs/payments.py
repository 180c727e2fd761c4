"""Binds the jobs about payments and reminders: thin over the services."""

from __future__ import annotations

from billing import ports as billing
from billing.errors import CannotCharge
from billing.jobspecs.payments import (
    ChargeDocument,
    DropMethod,
    OfRefund,
    SaveMethod,
    apply_events,
    charge_document,
    drop_method,
    refund_payment,
    remind,
    save_method,
    settle_payments,
)
from billing.jobspecs.runs import OfRun, collect
from billing.models import BillingRun, Customer, Document, Payment, PaymentMethod, Refund
from billing.services import (
    collecting,
    collecting_runs,
    dunning,
    open_payments,
    provider_events,
    refunds,
    saved_methods,
)
from queues.contract import Actor, Cancel, Done, JobContext, Outcome, Retry
from queues.registry import NoParams

AGAIN_S = 60.0  # a provider that is away, or does not tell yet


@collect.handler
def _(ctx: JobContext, params: OfRun) -> Outcome:
    """Each document commits by itself: a run that is stopped in the middle goes on where it stood."""
    run = BillingRun.objects.get(code=params.run)
    told = collecting_runs.collect(
        run, ctx.call, actor=_actor(ctx), on_progress=ctx.progress, checkpoint=ctx.checkpoint
    )
    for why, number in told.why_not.most_common():
        ctx.log(f"{number} not charged: {why}")
    if told.left:
        return Retry(max(AGAIN_S, told.after_s or 0.0), f"The provider was not there for {told.left} documents.")
    return Done({"documents": dict(told.states), "not_charged": dict(told.why_not.most_common(20))})


@charge_document.handler
def _(ctx: JobContext, params: ChargeDocument) -> Outcome:
    document = Document.objects.select_related("customer").get(number=params.document)
    try:
        payment = collecting.charge(document, params.attempt, ctx.call, actor=_actor(ctx))
    except CannotCharge as error:
        return Cancel(str(error))
    return _told(payment)


@refund_payment.handler
def _(ctx: JobContext, params: OfRefund) -> Outcome:
    refund = Refund.objects.select_related("payment").get(key=params.refund)
    return _told(refunds.carry_out(refund, ctx.call, actor=_actor(ctx)))


@save_method.handler
def _(ctx: JobContext, params: SaveMethod) -> Outcome:
    customer = Customer.objects.get(code=params.customer)
    method = saved_methods.save(customer, params.provider, params.method, ctx.call, actor=_actor(ctx))
    return Done({"method": str(method), "usable": method.usable})


@drop_method.handler
def _(ctx: JobContext, params: DropMethod) -> Outcome:
    billing.get(params.provider)
    method = PaymentMethod.objects.select_related("customer").get(provider=params.provider, reference=params.method)
    saved_methods.drop(method, ctx.call, actor=_actor(ctx), why=params.why)
    return Done({"method": str(method), "usable": False})


@settle_payments.handler
def _(ctx: JobContext, params: NoParams) -> Outcome:
    return Done(dict(open_payments.settle_open(ctx.call, actor=_actor(ctx), checkpoint=ctx.checkpoint)))


@apply_events.handler
def _(ctx: JobContext, params: NoParams) -> Outcome:
    return Done(dict(provider_events.apply_open(checkpoint=ctx.checkpoint)))


@remind.handler
def _(ctx: JobContext, params: NoParams) -> Outcome:
    return Done(dict(dunning.remind(actor=_actor(ctx), on_progress=ctx.progress, checkpoint=ctx.checkpoint)))


def _told(row: Payment | Refund) -> Outcome:
    """An outcome that nobody knows yet is no failure of the run: billing.settle_payments finds out."""
    return Done({"key": row.key, "state": row.state, "why": row.failure})


def _actor(ctx: JobContext) -> Actor:
    return Actor(label=f"job:{ctx.job}", source="job", request_id=str(ctx.run_id))
