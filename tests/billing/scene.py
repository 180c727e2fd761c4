"""A month of a small hauler for pages to show: ten contracts on one price list, October's visits, weights and documents."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from billing.models import Coupon, FuelIndex, Holiday, HolidayCalendar, PriceVersion, Stay, WeighTicket
from tests.billing import makers as m

NAMES = (
    "Gasthaus Ente", "Bäckerei Korn & Söhne", "Hotel am Kai", "Autohaus Steinfeld", "Wohnanlage Lindenhof", "Druckerei Falk", "Kindergarten Sonnenschein",
    "Möbelhaus Brandl", "Tischlerei Egger", "Klinikum Nord, Wirtschaftsverwaltung",
)  # fmt: skip
RULES = [
    {"rule": "base_fee", "code": "base", "title": "Base fee", "amount": "45.00"},
    {"rule": "pick_up", "code": "pick_up", "title": "Emptying", "amount": "18.50"},
    {"rule": "extra", "code": "extra", "title": "Extra emptying", "amount": "29.00"},
    {"rule": "dry_run", "code": "vain", "title": "Visit in vain", "amount": "15.00"},
    {"rule": "tonnage", "code": "tonnes", "title": "Disposal", "per_tonne": "142.00", "included_t": "0.2", "scope": "haul"},
    {"rule": "rental", "code": "rental", "title": "Container rental", "per_day": "0.65"},
    {"rule": "discount", "code": "loyal", "title": "Long-standing customer", "percent": "3", "of": ["pick_up"]},
    {"rule": "fuel", "code": "fuel", "title": "Fuel surcharge", "base": "1.50", "step": "0.05", "percent_per_step": "0.5", "of": ["pick_up", "extra"]},
    {"rule": "environmental", "code": "env", "title": "Environmental fee", "percent": "2.5", "of": ["base", "pick_up"]},
]  # fmt: skip


def fill() -> None:
    """Once, into an empty database."""
    prices = m.a_price_list("CITY", rules=RULES)
    prices.title = "City, residual waste"
    prices.save()
    PriceVersion.objects.filter(price_list=prices).update(valid_from=date(2026, 1, 1), note="Wages of 2026")
    PriceVersion.objects.create(
        price_list=prices,
        valid_from=date(2025, 1, 1),
        valid_until=date(2026, 1, 1),
        rules=[{**RULES[0], "amount": "42.00"}, *RULES[1:]],
    )
    FuelIndex.objects.get_or_create(code="fuel", published_on=date(2026, 9, 1), defaults={"value": "1.72"})
    calendar, _ = HolidayCalendar.objects.get_or_create(code="AT", defaults={"title": "Austria, public holidays"})
    Holiday.objects.get_or_create(calendar=calendar, day=date(2026, 10, 26), defaults={"name": "Nationalfeiertag"})
    for n, name in enumerate(NAMES, 1):
        customer = m.a_customer(f"C-{n:03}", name=name)
        contract = m.a_contract(f"K-{n:03}", customer=customer)
        service = m.a_service(
            contract, price_list=prices, weekdays=str(n % 5), containers=1 + n % 3, holidays=calendar, shift="next_day"
        )
        Stay.objects.create(service=service, delivered_on=date(2026, 9, 1) + timedelta(days=n))
        for week in range(4):
            day = date(2026, 10, 5) + timedelta(days=7 * week + n % 5)
            outcome = "blocked" if (n + week) % 11 == 0 else "done"
            visit = m.a_visit(
                service,
                day,
                outcome=outcome,
                containers=service.containers,
                note="The gate was locked" if outcome == "blocked" else "",
            )
            if outcome == "done":
                load = Decimal(150 + 37 * ((n * 7 + week * 3) % 9))
                WeighTicket.objects.create(
                    code=f"W-{n:03}-{week}", visit=visit, gross=load + 1200, tare=1200, net_kg=load
                )
        if n % 4 == 0:
            m.a_visit(service, date(2026, 10, 20), code=f"V-{n:03}-extra", extra=True)
    for n in (1, 2, 3):
        contract = m.Contract.objects.get(code=f"K-{n:03}")
        m.a_final_invoice(
            9000 + n,  # beyond what a run before may have numbered
            customer=contract.customer,
            contract=contract,
            period_start=date(2026, 9, 1),
            period_end=date(2026, 10, 1),
        )
    Coupon.objects.create(
        code="SORRY-10",
        contract=m.Contract.objects.get(code="K-001"),
        amount_minor=1000,
        valid_from=date(2026, 10, 1),
        title="For the trouble",
    )
