"""What the clerk's month in the browser begins with: the demo's hauler, its month before billed, and two contracts that moved.

The klinikum's new price was typed with a slip: 185.00 for 18.50. The inn had four extra pick-ups.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib.auth.models import Group, User

from billing.models import PriceVersion, Seller
from billing.samples.calendar import shifted
from billing.services import approval, finalise, runs
from billing.services.samples import last_month
from queues.contract import Actor, ports
from tests.billing import makers as m

FIRST, SECOND = Actor("before", "test", user_id=9001), Actor("another", "test", user_id=9002)
CLINIC, INN = "Klinikum Nord", "Gasthaus zur Ente"
RIGHT, SLIP = "18.50", "185.00"


def fill() -> None:
    """Once, into the demo's database."""
    month = last_month(ports.now().date())
    before, after = shifted(month, -1), shifted(month, 1)
    _second_manager()
    Seller.objects.update(approve_above_minor=1_000_00)
    clinic = _contract("CLINIC", CLINIC, before)
    inn = _contract("INN", INN, before)
    prices = clinic.price_list
    changed = month.replace(day=15)
    PriceVersion.objects.filter(price_list=prices).update(valid_until=changed)
    PriceVersion.objects.create(price_list=prices, valid_from=changed, rules=_rules(SLIP), note="Agreed in writing")
    for service in (clinic, inn):
        for day in _mondays(before, after):
            m.a_visit(service, day)
    for n in range(4):
        m.a_visit(inn, month + timedelta(days=8 + n), code=f"V-inn-extra-{n}", extra=True)
    run = runs.prepare(month, actor=FIRST)
    approval.approve(run, actor=SECOND, preview_hash=run.preview_hash)
    finalise.finalise(run.code, actor=SECOND)


def _contract(code: str, name: str, since: date) -> m.Service:
    """With a price list of its own, so that nobody else's document moves."""
    prices = m.a_price_list(f"PL-{code}", rules=_rules(RIGHT))
    prices.title = name
    prices.save()
    PriceVersion.objects.filter(price_list=prices).update(valid_from=date(2020, 1, 1))
    begins = date(since.year - 1, 1, 1)
    customer = m.a_customer(f"C-{code}", name=name, language="en")
    contract = m.a_contract(f"K-{code}", customer=customer, starts_on=begins, anchor=begins, bill_from=since)
    return m.a_service(contract, price_list=prices)


def _rules(pick_up: str) -> list[dict[str, str]]:
    return [
        {"rule": "base_fee", "code": "base", "title": "Base fee", "amount": "45.00"},
        {"rule": "pick_up", "code": "pick_up", "title": "Emptying", "amount": pick_up},
        {"rule": "extra", "code": "extra", "title": "Extra emptying", "amount": "29.00"},
    ]


def _mondays(start: date, end: date) -> list[date]:
    days = (start + timedelta(days=n) for n in range((end - start).days))
    return [day for day in days if day.weekday() == 0]


def _second_manager() -> None:
    """With the password of the first."""
    first = User.objects.get(username="manager")
    made = User.objects.create(
        username="manager.two", email="two@example.org", is_staff=True, password=first.password, is_active=True
    )
    made.groups.add(Group.objects.get(name="manager"))
