"""A run's preview: what it comes to, whether nothing is missing, what moved and why, and every document of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Abs
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from billing.admin import charts, pieces, show
from billing.admin.frame import MoneyAdmin
from billing.models import BillingRun, RunItem, Seller
from billing.selectors import preview as previews
from billing.selectors import run_figures
from billing.selectors.run_figures import CodeFigure

PAGE = 50
TABS: dict[str, tuple[str, Q]] = {
    "documents": ("Documents", Q(document__isnull=False)),
    "outliers": ("Outliers", Q(document__isnull=False, outlier=True)),
    "set_aside": ("Set aside", Q(state=RunItem.State.SET_ASIDE)),
    "sent_back": ("Sent back", Q(state=RunItem.State.SENT_BACK)),
    "nothing": ("Nothing to bill", Q(state=RunItem.State.NOTHING)),
    "excluded": ("Excluded", Q(state=RunItem.State.EXCLUDED)),
}
SORTS: dict[str, list[Any]] = {
    "": [F("outlier").desc(), F("moved").desc(nulls_last=True), "contract__code", "period_start"],
    "contract": ["contract__code", "period_start"],
    "amount": [F("document__gross_minor").desc(nulls_last=True), "contract__code"],
}


def preview(admin: MoneyAdmin, request: HttpRequest, run: BillingRun) -> HttpResponse:
    counts = run_figures.states(run)
    tab = request.GET.get("show", "")
    tab = tab if tab in TABS else "documents"
    seller = Seller.objects.first()
    context = {
        "original": run, "run": run, "state": show.run_state(run), "job": request.GET.get("job", ""),
        "totals": totals(run), "reconciliation": reconciliation(run, counts), "visits": visits(run),
        "codes": _codes(run, seller.currency if seller else ""),
        "moved": _moved(run, seller.outlier_percent if seller else Decimal(20)), "tabs": _tabs(request, counts, tab), "tab": tab,
        "page": _page(request, run, tab), "q": request.GET.get("q", ""), "sort": request.GET.get("sort", ""),
        "query": _query(request), "may": may(run), "stale": bool(run.approved_hash) and run.approved_hash != run.preview_hash,
    }  # fmt: skip
    return admin.shown(request, "billing/run.html", f"Billing run {run.code}", context)


def may(run: BillingRun) -> dict[str, bool]:
    """Which buttons there are."""
    open_ = run.state in (BillingRun.State.OPEN, BillingRun.State.PREPARED, BillingRun.State.APPROVED)
    return {
        "renew": open_,
        "discard": open_,
        "approve": run.state == BillingRun.State.PREPARED,
        "finalise": run.state == BillingRun.State.APPROVED,
        "collect": run.state == BillingRun.State.FINAL,
        "files": run.state == BillingRun.State.FINAL,
        "send_back": run.state in (BillingRun.State.PREPARED, BillingRun.State.APPROVED),
    }


def totals(run: BillingRun) -> list[dict[str, Any]]:
    """By currency; never summed across."""
    return [{"currency": currency, **figures} for currency, figures in sorted(run.totals.items())]


def reconciliation(run: BillingRun, counts: dict[str, int]) -> dict[str, Any]:
    """Expected = billed + excluded by reason; what is unresolved must be 0."""
    reasons = [
        (label, counts.get(tab, 0), tab)
        for tab, (label, _) in TABS.items()
        if tab not in ("documents", "outliers") and counts.get(tab, 0)
    ]
    drawn = [(run.billed, "bi-ok", f"{run.billed} billed"), (run.excluded, "bi-idle", f"{run.excluded} left out")]
    if run.unresolved > 0:
        drawn.append((run.unresolved, "bi-bad", f"{run.unresolved} unresolved"))
    return {"reasons": reasons, "chart": charts.parts([part for part in drawn if part[0]])}


def visits(run: BillingRun) -> list[tuple[str, int, str]]:
    """(label, how many, tone): where every visit before the run's day went. Of a final run, what came later is no fault: the next one bills it."""
    if run.state == BillingRun.State.DISCARDED:
        return []
    found = previews.visits(run)
    last = ("Recorded since", "total") if run.state == BillingRun.State.FINAL else ("Unresolved", "bad")
    return [
        ("Visits not billed before", found.expected, ""),
        ("− on a document of this run", found.billed, ""),
        ("− in periods that are left out", found.excluded, ""),
        ("− in no period of this run", found.elsewhere, ""),
        (last[0], found.unresolved, last[1]),
    ]


def _codes(run: BillingRun, home: str) -> list[dict[str, Any]]:
    """By currency, the seller's first: what all comes to, and each code with its bar; the scale is the currency's largest."""
    figures = run_figures.by_code(run)
    told = [_of_currency(currency, list(group)) for currency, group in groupby(figures, key=lambda each: each.currency)]
    return sorted(told, key=lambda each: (each["currency"] != home, each["currency"]))


def _of_currency(currency: str, figures: Sequence[CodeFigure]) -> dict[str, Any]:
    top = max(max(abs(figure.now_minor), abs(figure.before_minor)) for figure in figures)
    rows = [
        {
            "figure": figure,
            "bar": charts.bar(
                figure.now_minor, figure.before_minor, top,
                title=f"{figure.title}: {pieces.money(figure.now_minor, currency)}, before {pieces.money(figure.before_minor, currency)}",
            ),
        }
        for figure in figures
    ]  # fmt: skip
    return {"currency": currency, "rows": rows, "now": sum(figure.now_minor for figure in figures)}


def _moved(run: BillingRun, limit: Decimal) -> list[dict[str, Any]]:
    classes = run_figures.moved(run, limit)
    top = max((each.count for each in classes), default=1)
    return [
        {"row": each, "bar": charts.bar(each.count, None, top, title=f"{each.label}: {each.count} documents")}
        for each in classes
    ]


def _tabs(request: HttpRequest, counts: dict[str, int], active: str) -> list[dict[str, Any]]:
    drawn = counts.get(RunItem.State.DRAFTED, 0) + counts.get(RunItem.State.FINAL, 0)
    counted = {**counts, "documents": drawn}
    return [
        {"label": label, "count": counted.get(tab, 0), "active": tab == active, "url": f"?{_query(request, show=tab)}#documents"}
        for tab, (label, _) in TABS.items()
        if counted.get(tab, 0) or tab in ("documents", active)
    ]  # fmt: skip


def _query(request: HttpRequest, **over: str) -> str:
    """The page's own address again, from its first page, with something else in it."""
    kept = {name: request.GET[name] for name in ("show", "q", "sort", "job") if request.GET.get(name)}
    return urlencode({name: value for name, value in {**kept, **over}.items() if value})


def _page(request: HttpRequest, run: BillingRun, tab: str) -> Page[RunItem]:
    rows: QuerySet[RunItem] = run_figures.items(run).filter(TABS[tab][1]).annotate(moved=Abs("change_percent"))
    if term := request.GET.get("q", "").strip():
        rows = rows.filter(
            Q(contract__code__icontains=term)
            | Q(contract__customer__code__icontains=term)
            | Q(contract__customer__name__icontains=term)
            | Q(document__number__iexact=term)
            | Q(reason__icontains=term)
        )
    order = SORTS.get(request.GET.get("sort", ""), SORTS[""])
    return Paginator(rows.order_by(*order), PAGE).get_page(request.GET.get("page"))


def url(run: BillingRun, job: object = "") -> str:
    """The run's page; with the job whose progress it shows."""
    address = reverse("admin:billing_billingrun_change", args=[run.pk])
    return f"{address}?{urlencode({'job': str(job)})}" if job else address
