"""A hauler whose customers pay by saved cards, and the stand-in for Stripe that takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing import ports as billing
from billing.models import BillingRun, Document, Payment, PaymentAccount, PaymentMethod
from billing.services import books, collecting
from billing.services.books import Leg
from integrations.stripe import setting_up
from integrations.stripe.client import Client
from integrations.stripe.provider import StripeProvider
from queues.contract import Actor, Outcome
from queues.engine import outbox, providers
from queues.engine.context import RunContext
from queues.ledger import clock, runs
from queues.ledger.queue_settings import ensure_queues
from queues.models import Queue, Worker
from queues.registry import JobSpec
from tests.billing import makers
from tests.engine.conftest import fake_window  # noqa: F401  (a fixture)

from .stand_in import KEY, SECRET, Desk, localstripe, serving
from .telling import OTHER

ACTOR = Actor.system("tests")


@pytest.fixture(scope="session")
def stripe_port() -> Iterator[int]:
    with localstripe() as port:
        yield port


@pytest.fixture
def desk(stripe_port: int) -> Iterator[Desk]:
    made = Desk(stripe_port)
    assert made.ask("DELETE", "/_config/data")[0] == 200
    with serving(made) as standing:
        yield standing


@pytest.fixture
def stripe(desk: Desk) -> Iterator[StripeProvider]:
    yield from started(desk.address)


def started(address: str) -> Iterator[StripeProvider]:
    provider = setting_up.start(
        KEY, secrets=[SECRET], api_base=address, answer_s=3.0
    )  # it answers in milliseconds, but for a machine that is busy
    yield provider
    provider.close()
    providers.forget(provider.name)
    billing.forget(provider.name)


@pytest.fixture
def listening() -> Iterator[StripeProvider]:
    """Stripe as it tells, and is never asked."""
    provider = StripeProvider(Client(KEY, "http://127.0.0.1:9"), [SECRET, OTHER])
    billing.register(provider)
    yield provider
    billing.forget("stripe")


@pytest.fixture
def charged() -> Callable[..., Document]:
    """An invoice with a charge that was asked for, and of which nothing is known yet."""

    def make(number: int = 1) -> Document:
        document = makers.a_final_invoice(number)
        PaymentAccount.objects.create(customer=document.customer, provider="stripe", reference=f"cus_{number}")
        PaymentMethod.objects.create(customer=document.customer, provider="stripe", reference=f"pm_{number}")
        collecting.begin(document, 1, actor=ACTOR)
        return document

    return make


class Runner:
    """Executes a job as a worker does: a run, claimed under a lease. Each execution is a new worker's; the one before is lost with its worker."""

    def __init__(self, spec: JobSpec[Any], params: Any) -> None:
        ensure_queues()
        Queue.objects.filter(name=spec.queue).update(concurrency=1000)
        self.spec, self.params = spec, params
        self.id: UUID = spec.enqueue(params).id
        self.worker: UUID | None = None

    def context(self) -> RunContext:
        if self.worker is not None:
            runs.declare_lost(self.worker, renewals=0)
            runs.rescue(self.worker)
        self.worker, now = uuid4(), clock.now()
        Worker.objects.create(id=self.worker, name="w", host="h", pid=1, started_at=now, beat_at=now)
        (batch,) = runs.claim(self.spec.queue, [self.id], worker_id=self.worker, slots=1).batches
        return RunContext(batch.claims[0], now)

    def run(self) -> Outcome:
        assert self.spec.run is not None
        answer: Any = self.spec.run(self.context(), self.params)
        return answer  # type: ignore[no-any-return]


def run_job(spec: JobSpec[Any], params: Any) -> Any:
    return Runner(spec, params).run()


def settle_calls() -> list[str]:
    """What a run of queues.settle_calls does."""
    return [outbox.attend(each).state for each in outbox.due(100)]


@pytest.fixture
def paying(desk: Desk) -> Callable[..., Document]:
    """paying(1, card="4242…", run=run): invoice 1 of a customer with that saved card, whose contract is collected by itself."""

    def make(number: int = 1, card: str | None = None, run: BillingRun | None = None, **over: Any) -> Document:
        contract = makers.a_contract(f"K-{number}", auto_collect=over.pop("auto_collect", True))
        customer = contract.customer
        account = desk.make("customers", name=customer.name)["id"]
        PaymentAccount.objects.create(customer=customer, provider="stripe", reference=account)
        if card != "":
            method = desk.card(*([card] if card else []))
            desk.make(f"payment_methods/{method}/attach", customer=account)
            PaymentMethod.objects.create(customer=customer, provider="stripe", reference=method, label="Visa … 4242")
        made = makers.a_final_invoice(number, customer=customer, contract=contract, run=run, **over)
        sold = Leg(books.RECEIVABLE, "revenue:base", made.gross_minor)
        books.post(
            f"document:{made.number}", [sold], booked_on=makers.NOVEMBER, customer=customer, currency=made.currency
        )
        return made

    return make


@pytest.fixture
def a_run(db: None) -> BillingRun:
    return BillingRun.objects.create(
        code="2026-11-01", through=makers.NOVEMBER, issue_date=makers.NOVEMBER, state="final"
    )


def paid(document: Document) -> tuple[str, int]:
    """How it stands: state and balance."""
    standing = document.standing
    standing.refresh_from_db()
    return standing.state, standing.balance_minor


def states(document: Document) -> list[str]:
    return [str(each.state) for each in Payment.objects.filter(document=document).order_by("created_at", "id")]
