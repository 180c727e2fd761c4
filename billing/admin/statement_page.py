"""A customer's account between two days, on the screen and as the PDF that is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode

from billing.admin import fields, pieces
from billing.admin.frame import MoneyAdmin
from billing.models import Customer
from billing.selectors import statement
from billing.selectors.sellers import today
from billing.services.account_files import account_file


class BetweenForm(forms.Form):
    currency = fields.choice(label="Currency", required=False)
    since = fields.day(label="From", required=False)
    until = fields.day(label="To", required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("since") and given.get("until") and given["until"] < given["since"]:
            self.add_error("until", "It ends before it begins.")
        return given


@dataclass(frozen=True)
class Asked:
    """What is asked for, by default the last year in the first currency; "" where there is no account. `form` is as it is shown."""

    customer: Customer
    currency: str
    since: date
    until: date
    form: BetweenForm


def page(admin: MoneyAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    asked = _asked(admin, request, pk)
    customer = asked.customer
    told = statement.statement(customer, asked.currency, asked.since, asked.until) if asked.currency else None
    query = urlencode({"currency": asked.currency, "since": str(asked.since), "until": str(asked.until)})
    title = f"Account of {customer.name}"
    context = {
        "customer": customer, "statement": told, "form": asked.form, "opts": None, "until": asked.until, "content_title": title,
        "pdf_url": f"{pieces.url('standing_statement_pdf', pk)}?{query}",
    }  # fmt: skip
    return admin.shown(request, "billing/statement.html", title, context)


def pdf(admin: MoneyAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Wrong days, or that there is no account yet, are told on the page. Raises PermissionDenied, Http404."""
    asked = _asked(admin, request, pk)
    if asked.form.errors or not asked.currency:
        page_url = pieces.url("standing_statement", pk)
        query = request.GET.urlencode()
        return HttpResponseRedirect(f"{page_url}?{query}" if query else page_url)
    made = account_file(asked.customer, asked.currency, asked.since, asked.until)
    answer = HttpResponse(made.content, content_type=made.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return answer


def _asked(admin: MoneyAdmin, request: HttpRequest, pk: int) -> Asked:
    admin.enter(request)
    customer = Customer.objects.filter(pk=pk).first()
    if customer is None:
        raise Http404("There is no such customer.")
    currencies = statement.currencies(customer)
    form = _form(currencies, request.GET or None)
    given: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    day = today()
    since = given.get("since") or day.replace(day=1) - timedelta(days=365)
    until = given.get("until") or day
    currency = given.get("currency") or (currencies[0] if currencies else "")
    filled = {"currency": currency, "since": since, "until": until}
    return Asked(customer, currency, since, until, form if form.errors else _form(currencies, initial=filled))


def _form(currencies: list[str], data: Any = None, **options: Any) -> BetweenForm:
    form = BetweenForm(data, **options)
    form.fields["currency"].choices = [(each, each) for each in currencies]  # type: ignore[attr-defined]
    return form
