"""To import a bank's file, and to say whose a booking is."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold import widgets as unfold

from billing.admin import fields, pieces
from billing.admin.ask import Question, RequiredWhyForm, WhyForm, ask, posted
from billing.admin.frame import MoneyAdmin, actor_of
from billing.models import BankLine, Customer, Document
from billing.services import bank, bank_lines
from queues.errors import RoundsmanError

LARGEST = 20 * 1024 * 1024  # bytes
TONES = {"matched": "ok", "unmatched": "warn", "ignored": "idle", "known": "idle"}


class ImportForm(forms.Form):
    file = forms.FileField(
        label="File", widget=unfold.UnfoldAdminFileFieldWidget(), help_text="CAMT.053 or CAMT.054 (XML), or CSV."
    )
    dry_run = forms.BooleanField(
        label="Only look",
        required=False,
        initial=True,
        widget=unfold.UnfoldBooleanSwitchWidget(),
        help_text="Tells what would become of each booking, and keeps nothing.",
    )

    def clean_file(self) -> Any:
        if self.cleaned_data["file"].size > LARGEST:
            raise forms.ValidationError(f"At most {LARGEST // 1024 // 1024} MB.")
        return self.cleaned_data["file"]


def import_file(admin: MoneyAdmin, request: HttpRequest) -> HttpResponse:
    """A dry run shows on the page what would become of each booking; otherwise the list of bookings follows."""
    form = ImportForm(posted(request), request.FILES or None)
    report = None
    if request.method == "POST" and form.is_valid():
        file, dry_run = form.cleaned_data["file"], form.cleaned_data["dry_run"]
        try:
            report = bank.import_statement(file.read(), file.name, actor=actor_of(request), dry_run=dry_run)
        except RoundsmanError as error:
            form.add_error("file", str(error))
    context = {
        "form": form,
        "report": report,
        "original": None,
        "told": [(each, pieces.badge(each.outcome, TONES[each.outcome])) for each in report.lines] if report else [],
    }
    return admin.shown(request, "billing/bank_import.html", "Import a bank statement", context)


class AssignForm(WhyForm):
    """Whose it is: an open invoice's number, or a customer's code."""

    invoice = fields.text(
        label="Invoice number",
        required=False,
        help_text="What it pays, if you know. The rest stays the customer’s credit.",
    )
    customer = fields.text(
        label="Customer code", required=False, help_text="Else: it pays what is open, the longest due first."
    )

    field_order = ("invoice", "customer", "why")

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        number, code = (given.get("invoice") or "").strip(), (given.get("customer") or "").strip()
        if not number and not code:
            raise forms.ValidationError("Say which invoice it pays, or whose it is.")
        document = Document.objects.filter(number=number, kind=Document.Kind.INVOICE).first() if number else None
        customer = Customer.objects.filter(code=code).first() if code else None
        if number and document is None:
            self.add_error("invoice", f"There is no invoice {number}.")
        if code and customer is None:
            self.add_error("customer", f"There is no customer {code}.")
        if document is not None and customer is not None and document.customer_id != customer.pk:
            self.add_error("customer", f"{number} is not {code}’s.")
        return {**given, "document": document, "whose": customer}


def assign(admin: MoneyAdmin, request: HttpRequest, line: BankLine) -> HttpResponse:
    question = Question(
        "Say whose this booking is", "It becomes a payment of the customer’s, and is set against what is open.", "Assign it" if _open(line) else "",
        facts=_facts(line),
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        payment = bank_lines.assign(
            line,
            actor=actor_of(request),
            customer=given["whose"] if given["document"] is None else None,
            document=given["document"],
            why=given["why"],
        )
        return f"{pieces.money(payment.amount_minor, payment.currency)} is {payment.customer.name}’s."

    return ask(admin, request, question, AssignForm(posted(request)), do, back=_back(), obj=line)


def ignore(admin: MoneyAdmin, request: HttpRequest, line: BankLine) -> HttpResponse:
    question = Question(
        "Leave this booking alone", "It is no customer’s: nothing is booked for it, and nobody is asked again.",
        "Leave it alone" if _open(line) else "", facts=_facts(line),
    )  # fmt: skip

    def do(given: dict[str, Any]) -> str:
        bank_lines.ignore(line, actor=actor_of(request), why=given["why"])
        return "It is left alone."

    return ask(admin, request, question, RequiredWhyForm(posted(request)), do, back=_back(), obj=line)


def _open(line: BankLine) -> bool:
    return line.state == BankLine.State.UNMATCHED


def _facts(line: BankLine) -> list[str]:
    told = [
        f"{pieces.day(line.booked_on)}: {pieces.money(line.amount_minor, line.currency)}",
        line.payer,
        line.text,
        line.problem,
    ]
    return [each for each in told if each]


def _back() -> str:
    return reverse("admin:billing_bankline_changelist") + "?state__exact=unmatched"


VERBS = {"assign": assign, "ignore": ignore}
