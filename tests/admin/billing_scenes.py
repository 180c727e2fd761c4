"""Scenes of billing for test_everything_is_audited: what is posted, and the action that is entered. Master data here, money in money_scenes.

A text like "{billing.customer}" stands for the primary key of that row.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.apps import apps

from billing.models import (
    Coupon,
    Document,
    ExchangeRate,
    FuelIndex,
    HolidayCalendar,
    Jurisdiction,
    PriceList,
    PriceVersion,
    Stay,
    TaxRate,
)
from tests.admin import money_scenes
from tests.billing import makers as m

WHY = {"why": "No longer needed"}
PLACE = {"street": "Gasse 2", "postcode": "1020", "city": "Wien", "country": "AT", "time_zone": "Europe/Vienna"}
CUSTOMER = {
    **PLACE,
    "code": "C-new",
    "name": "Hotel",
    "language": "de",
    "tax_treatment": "standard",
    "payment_days": "14",
}
SITE = {**PLACE, "code": "S-new", "customer": "{billing.customer}", "name": "Yard"}
SELLER = {
    **PLACE,
    "code": "main",
    "name": "Sample",
    "currency": "EUR",
    "approve_above": "12.50",
    "outlier_percent": "20",
}
CONTRACT = {
    "code": "K-new", "customer": "{billing.customer}", "jurisdiction": "{billing.jurisdiction}", "currency": "EUR", "starts_on": "2026-01-01",
    "ends": "exclusive", "every": "month", "anchor": "2026-01-01", "parts": "sum",
}  # fmt: skip
SERVICE = {
    "code": "K-1/new", "contract": "{service's contract}", "site": "{service's site}", "price_list": "{service's list}", "title": "Paper",
    "container_type": "bin", "size": "240 l", "containers": "1", "pattern": "weekly", "weekdays": "2", "interval": "1", "shift": "none",
    "starts_on": "2026-01-01",
}  # fmt: skip
STAY = {"service": "{billing.service}", "delivered_on": "2026-10-02"}
COUPON = {"code": "NEW", "contract": "{service's contract}", "title": "Off", "amount": "5", "valid_from": "2026-10-01"}
LIST = {"code": "PL-new", "title": "New", "currency": "EUR", "tax_mode": "exclusive", "tax_class": "standard"}
RULE = {"rule": "0:base_fee", "r0-title": "Base fee", "r0-code": "base", "r0-amount": "90"}
VERSION = {**RULE, "do": "save", "valid_from": "2026-01-01", "note": "", "why": "Agreed"}
FUEL = {"code": "fuel", "published_on": "2026-10-08", "value": "1.70"}
JURISDICTION = {"code": "DE", "title": "Germany", "rounding": "document"}
RATE = {
    "jurisdiction": "{billing.jurisdiction}",
    "tax_class": "standard",
    "category": "S",
    "rate": "19",
    "valid_from": "2026-01-01",
}
EXCHANGE = {"base": "CHF", "quote": "EUR", "on": "2026-10-01", "rate": "1.05", "source": "Bank"}
NO_HOLIDAYS = {f"holidays-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
CALENDAR = {"code": "DE", "title": "Germany", **NO_HOLIDAYS}
NO_TICKET = {f"ticket-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
VISIT = {
    "code": "V-new",
    "service": "{visit's service}",
    "day": "2026-10-12",
    "outcome": "done",
    "containers": "1",
    **NO_TICKET,
}


def _all(
    label: str, form: dict[str, Any], changed: dict[str, Any], action: str
) -> dict[str, tuple[str, dict[str, Any], str]]:
    return {
        f"billing.{label} add": ("add/", form, f"{action}.create"),
        f"billing.{label} change": ("{pk}/change/", {**form, **changed}, f"{action}.change"),
        f"billing.{label} delete": ("{pk}/delete/", WHY, f"{action}.delete"),
    }


SCENES = {
    "billing.seller change": ("{pk}/change/", SELLER, "seller.change"),
    **_all("customer", CUSTOMER, {"code": "C-free"}, "customer"),
    **_all("site", SITE, {"code": "S-free"}, "site"),
    **_all("contract", CONTRACT, {"code": "K-free", "order_reference": "PO 7"}, "contract"),
    **_all("service", SERVICE, {"code": "K-1/free"}, "service"),
    **_all(
        "stay", STAY, {"delivered_on": "2026-10-01", "removed_on": "2026-10-09", "service": "{visit's service}"}, "stay"
    ),
    **_all("coupon", COUPON, {"code": "TEN"}, "coupon"),
    **_all("pricelist", LIST, {"code": "PL-free"}, "price_list"),
    **_all("priceversion", VERSION, {}, "price_version"),
    "billing.priceversion add": ("add/?price_list={price_list}", VERSION, "price_version.create"),
    **_all("fuelindex", FUEL, {"published_on": "2026-10-01"}, "fuel_index"),
    **_all("jurisdiction", JURISDICTION, {"code": "free"}, "jurisdiction"),
    **_all("taxrate", RATE, {"jurisdiction": "{rate's place}", "rate": "21", "valid_from": "2020-01-01"}, "tax_rate"),
    **_all("exchangerate", EXCHANGE, {"base": "USD"}, "exchange_rate"),
    **_all("holidaycalendar", CALENDAR, {"code": "AT"}, "holiday_calendar"),
    **_all("visit", VISIT, {"note": "Late"}, "visit"),
    **money_scenes.SCENES,
}


def rows() -> dict[str, Any]:
    """One of each, by model, to which nothing else refers."""
    contract = m.a_contract()
    used, free = m.a_service(contract), m.a_service(contract, "K-1/free")
    customer = m.a_customer("C-free")
    place = Jurisdiction.objects.create(code="free", title="Free")
    return {
        "billing.seller": m.a_seller(),
        "billing.customer": customer,
        "billing.site": m.Site.objects.create(code="S-free", customer=contract.customer, name="Hof", **PLACE),
        "billing.contract": m.Contract.objects.create(
            code="K-free", customer=contract.customer, jurisdiction=contract.jurisdiction, currency="EUR", starts_on=date(2026, 1, 1),
            anchor=date(2026, 1, 1), bill_from=m.NOVEMBER,
        ),
        "billing.service": free,
        "billing.stay": Stay.objects.create(service=used, delivered_on=m.OCTOBER),
        "billing.coupon": Coupon.objects.create(code="TEN", contract=contract, amount_minor=1000, valid_from=m.OCTOBER, title="Ten off"),
        "billing.pricelist": PriceList.objects.create(code="PL-free", title="Free", currency="EUR"),
        "billing.priceversion": PriceVersion.objects.get(price_list=used.price_list),
        "billing.fuelindex": FuelIndex.objects.create(code="fuel", published_on=m.OCTOBER, value="1.65"),
        "billing.jurisdiction": place,
        "billing.taxrate": TaxRate.objects.get(),
        "billing.exchangerate": ExchangeRate.objects.create(base="USD", quote="EUR", on=m.OCTOBER, rate="0.92"),
        "billing.holidaycalendar": HolidayCalendar.objects.create(code="AT", title="Austria"),
        "billing.visit": m.a_visit(used, date(2026, 10, 5)),
        "service's contract": contract, "service's site": used.site, "service's list": used.price_list, "visit's service": used,
        "rate's place": contract.jurisdiction,
        **money_scenes.rows(),
    }  # fmt: skip


def keys() -> dict[str, Any]:
    """A primary key of each model, by how an address names it; made the first time. Of documents, a final one."""
    if not m.Customer.objects.exists():
        rows()
    models = [model for model in apps.get_app_config("billing").get_models() if model._default_manager.exists()]
    found = {
        model._meta.label_lower.replace(".", "/"): model._default_manager.values_list("pk", flat=True)[0]
        for model in models
    }
    return found | {"billing/document": Document.objects.filter(state="final").values_list("pk", flat=True)[0]}


def filled(posted: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """With keys for names, and files made anew."""
    keys = {f"{{{name}}}": str(getattr(row, "pk", row)) for name, row in found.items()}
    made = {name: value() if callable(value) else value for name, value in posted.items()}
    return {name: keys.get(value, value) if isinstance(value, str) else value for name, value in made.items()}
