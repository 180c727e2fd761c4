"""The first page of billing: what is open and overdue, twelve months beside each other, and what waits for somebody."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from billing.admin import charts, pieces
from billing.admin.frame import MoneyAdmin
from billing.selectors import overview
from billing.selectors.sellers import today


def page(admin: MoneyAdmin, request: HttpRequest) -> HttpResponse:
    day = today()
    months = overview.months(day)
    context = {
        "money": [_told(each, months) for each in overview.money(day)], "to_do": _to_do(), "opts": None, "content_title": "Billing",
        "months": [f"{month:%b}" for month in months], "today": day,
    }  # fmt: skip
    return admin.shown(request, "billing/overview.html", "Billing", context)


def _told(each: overview.Money, months: list[date]) -> dict[str, Any]:
    said = f"{each.currency}: invoiced and collected by month"
    chart = charts.columns([each.invoiced, each.collected], title=said, css=("bi-now", "bi-ok"))
    figures = [
        {
            "month": f"{month:%B %Y}", "invoiced": pieces.money(each.invoiced[place], each.currency),
            "collected": pieces.money(each.collected[place], each.currency),
        }
        for place, month in enumerate(months)
        if each.invoiced[place] or each.collected[place]
    ]  # fmt: skip
    return {
        "row": each,
        "chart": chart,
        "invoiced": each.invoiced[-1],
        "collected": each.collected[-1],
        "figures": figures[::-1],
    }


def _to_do() -> list[dict[str, Any]]:
    """Each with its words and where it is done."""
    found = overview.to_do()
    told = [
        {"text": f"Run {run.code} is {run.get_state_display().lower()}", "url": pieces.page_at("billingrun", run.pk)}
        for run in found.runs
    ]
    for count, noun, url in (
        (
            found.bank_lines,
            "bank booking{} to assign",
            reverse("admin:billing_bankline_changelist") + "?state__exact=unmatched",
        ),
        (found.disputes, "open dispute{}", reverse("admin:billing_dispute_changelist") + "?state__exact=open"),
        (
            found.unknown,
            "payment{} whose outcome nobody knows yet",
            reverse("admin:billing_payment_changelist") + "?state__exact=unknown",
        ),
        (
            found.events,
            "provider event{} that could not be applied",
            reverse("admin:billing_providerevent_changelist") + "?applied=no",
        ),
    ):
        if count:
            told.append({"text": f"{count} {noun.format('' if count == 1 else 's')}", "url": url})
    return told
