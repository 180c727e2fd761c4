"""Scenes of billing's money for test_everything_is_audited: runs, documents, payments, bank bookings. As in billing_scenes; several entries of
one deed are joined by " + ", the last one with the reason that was given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import (
    BankLine,
    BankStatement,
    BillingRun,
    Dispute,
    Document,
    Dunning,
    Entry,
    PaymentAccount,
    PaymentMethod,
    ProviderEvent,
    Reminder,
    RunItem,
)
from billing.services import bank, credits, received, runs, write_offs
from project.chaos import till
from queues.contract import Actor
from tests.billing import makers as m
from tests.billing.receivables.statements import camt, entry

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
CLERK = Actor(label="clerk", source="admin", user_id=77)
PROVIDER = till.NAME  # registered where something is charged
WHY = {"why": "Asked for"}
KEY = "0198c0de-0000-7000-8000-000000000001"
JOB = "billing_run.ask"
CREDIT = {**WHY, "what": "amount", "gross": "12.00", "seen": "12000"}
PAY = {**WHY, "amount": "100.00", "received_on": "2026-11-05", "reference": "Cheque 17", "key": KEY}


def _statement() -> SimpleUploadedFile:
    return SimpleUploadedFile("november.xml", camt(entry(ref="R-new", text="thanks", payer="Unknown")))


SCENES: dict[str, tuple[str, dict[str, Any], str]] = {
    "billing.billingrun prepare": (
        "prepare/",
        {**WHY, "through": "2026-11-15", "issue_date": "2026-11-15"},
        f"billing_run.open + {JOB}",
    ),
    "billing.billingrun renew": ("{pk}/renew/", WHY, JOB),
    "billing.billingrun approve": ("{pk}/approve/", {**WHY, "seen": "{preview}"}, "billing_run.approve"),
    "billing.billingrun discard": ("{pk}/discard/", WHY, "billing_run.discard"),
    "billing.billingrun send-back": ("item/{item}/send-back/", WHY, "billing_run.send_back"),
    "billing.billingrun redraft": ("item/{sent_back}/redraft/", WHY, "billing_run.redraft"),
    "billing.billingrun finalise": ("{approved}/finalise/", WHY, JOB),
    "billing.billingrun collect": ("{final}/collect/", WHY, JOB),
    "billing.billingrun files": ("{final}/files/", WHY, JOB),
    "billing.document credit": ("{pk}/credit/", CREDIT, "document.credit"),
    "billing.document void": ("{pk}/void/", WHY, "document.void"),
    "billing.document write-off": ("{pk}/write-off/", WHY, "document.write_off"),
    "billing.document pay": ("{pk}/pay/", PAY, "payment.receive"),
    "billing.document charge": ("{pk}/charge/", WHY, "document.charge"),
    "billing.document promise": ("{pk}/promise/", {**WHY, "until": "2036-01-01"}, "dunning.promise"),
    "billing.document set-off": (
        "{note}/set-off/",
        {**WHY, "document": "{owed}", "amount": "10.00", "seen": "1200"},
        "document.set_off",
    ),
    "billing.document pay-out": (
        "{note}/pay-out/",
        {**WHY, "amount": "5.00", "paid_on": "2026-11-05", "key": KEY},
        "document.pay_out",
    ),
    "billing.document recover": ("{lost}/recover/", {**WHY, "amount": "20.00", "seen": "12000"}, "document.recover"),
    "billing.customer settle": ("{in_credit}/settle/", {**WHY, "currency": "EUR"}, "customer.settle"),
    "billing.customer pay": ("{in_credit}/pay/", {**PAY, "currency": "EUR"}, "payment.receive"),
    "billing.customer save-method": (
        "{in_credit}/save-method/",
        {**WHY, "provider": PROVIDER, "method": "pm_13"},
        "customer.save_method",
    ),
    "billing.customer prefer": ("method/{older}/prefer/", WHY, "payment_method.prefer"),
    "billing.customer drop": ("method/{newer}/drop/", WHY, "payment_method.drop"),
    "billing.payment allocate": (
        "{pk}/allocate/",
        {**WHY, "document": "{billing.document}", "amount": "10.00", "seen": "3000"},
        "payment.allocate",
    ),
    "billing.payment refund": ("{pk}/refund/", {**WHY, "amount": "10.00", "seen": "15000", "key": KEY}, "payment.give_back"),
    "billing.payment undo": ("allocation/{allocation}/undo/", WHY, "allocation.undo"),
    "billing.bankline assign": (
        "{pk}/assign/",
        {**WHY, "invoice": "INV-000001"},
        "payment.receive + bank_line.assign",
    ),
    "billing.bankline ignore": ("{pk}/ignore/", WHY, "bank_line.ignore"),
    "billing.bankline import": ("import/", {"file": _statement}, "bank_statement.import"),
}  # fmt: skip


def rows() -> dict[str, Any]:
    """A run of September with one draft and one that was sent back; two invoices of one customer, the second paid with 30.00 to spare; a booking
    of nobody's; and one each of what is only told."""
    for code in ("K-run", "K-back"):
        service = m.a_service(m.a_contract(code, bill_from=date(2026, 9, 1)))
        m.a_visit(service, date(2026, 9, 7))
    run = runs.prepare(m.OCTOBER, actor=CLERK)
    draft = Document.objects.get(contract__code="K-back")
    runs.send_back(draft, actor=CLERK, why="The price is last year's")
    run.refresh_from_db()
    customer = m.a_customer("C-pays")
    PaymentAccount.objects.create(customer=customer, provider=PROVIDER, reference="account-1")
    PaymentMethod.objects.create(customer=customer, provider=PROVIDER, reference="card-1", label="Visa … 4242")
    invoice, paid = m.a_booked_invoice(1, customer=customer), m.a_booked_invoice(2, customer=customer)
    payment = received.receive(
        "manual:1", "manual", customer, "EUR", 150_00, date(2026, 11, 5), "Transfer", paid, actor=CLERK
    )
    bank.import_statement(camt(entry(text="thanks", payer="Somebody")), "october.xml", actor=CLERK)
    return {
        "billing.billingrun": run,
        "billing.runitem": RunItem.objects.get(document__isnull=False),
        "billing.document": invoice,
        "billing.standing": invoice.standing,
        "billing.payment": payment,
        "billing.allocation": payment.allocations.get(),
        "billing.bankline": BankLine.objects.get(),
        "billing.bankstatement": BankStatement.objects.get(),
        "billing.entry": Entry.objects.filter(document=invoice)[0],
        "billing.dispute": Dispute.objects.create(
            provider=PROVIDER, reference="dp_1", payment=payment, amount_minor=120_00, reason="fraudulent", opened_at=AT
        ),
        "billing.providerevent": ProviderEvent.objects.create(
            provider=PROVIDER, event_id="evt_1", kind="charge.succeeded", created_at=AT, received_at=AT, body='{"id": "evt_1"}', error="No charge of ours"
        ),
        "billing.dunning": Dunning.objects.create(document=invoice, next_on=date(2026, 11, 25)),
        "billing.reminder": Reminder.objects.create(
            document=invoice, step=1, title="First reminder", balance_minor=120_00, currency="EUR", sent_on=AT.date(), at=AT
        ),
        "preview": run.preview_hash,
        "sent_back": RunItem.objects.get(state="sent_back"),
        "approved": _run("approved", date(2026, 8, 1)),
        "final": _run("final", date(2026, 7, 1)),
    }  # fmt: skip


def _run(state: str, through: date) -> BillingRun:
    return BillingRun.objects.create(code=f"r-{state}", through=through, issue_date=through, state=state)


def credit(first: int = 11, provider: str = PROVIDER) -> dict[str, Any]:
    """A customer whose invoice 11 is open, whose 12 was paid and then credited by 12.00, and whose 13 is written off, with two saved methods."""
    customer = m.a_customer("C-credit", name="Hotel am Kai")
    owed, paid, lost = (m.a_booked_invoice(number, customer=customer) for number in range(first, first + 3))
    received.receive(
        f"manual:{first + 1}",
        "manual",
        customer,
        "EUR",
        120_00,
        date(2026, 11, 5),
        f"Transfer {first}",
        paid,
        actor=CLERK,
    )
    note = credits.credit(paid, why="Not emptied", actor=CLERK, gross_minor=12_00)
    write_offs.write_off(lost, why="Bankrupt", actor=CLERK)
    saved = [
        PaymentMethod.objects.create(customer=customer, provider=provider, reference=f"card-{n}", label=label, preferred=n == 12)
        for n, label in ((11, "SEPA … 3201"), (12, "Visa … 1881"))
    ]  # fmt: skip
    return {"in_credit": customer, "owed": owed, "note": note, "lost": lost, "older": saved[0], "newer": saved[1]}


def places(found: dict[str, Any]) -> dict[str, Any]:
    """What addresses name beside the page's own row."""
    found.update(credit())
    named = {"item": "billing.runitem", "allocation": "billing.allocation"}
    kept = {name: found[label].pk for name, label in named.items()}
    others = ("sent_back", "approved", "final", "in_credit", "note", "lost", "older", "newer")
    return kept | {name: found[name].pk for name in others}
