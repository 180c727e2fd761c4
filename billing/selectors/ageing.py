"""How long what is open has been due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import BigIntegerField, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from billing.models import Allocation, Customer, Document, Entry, Standing
from billing.selectors import balances, sellers
from billing.selectors.balances import BAD_DEBT, Account

Owed = tuple[int, str, date, int]  # customer, currency, due, amount
BUCKETS = ("not_due", "1_30", "31_60", "61_90", "over_90")


@dataclass(frozen=True)
class Aged:
    """One customer in one currency: minor units by bucket; `unapplied`: credit that is set against nothing."""

    customer_id: int
    customer: str
    code: str
    buckets: Mapping[str, int]
    unapplied: int

    @property
    def open(self) -> int:
        return sum(self.buckets.values())

    @property
    def balance(self) -> int:
        """As the journal has it."""
        return self.open - self.unapplied


@dataclass(frozen=True)
class Ageing:
    """One currency; `customers`: who owes most first."""

    currency: str
    on: date
    buckets: Mapping[str, int]
    unapplied: int
    customers: tuple[Aged, ...]


def bucket_of(due: date, on: date) -> str:
    """The day it is due counts as not due."""
    days = (on - due).days
    if days <= 0:
        return BUCKETS[0]
    return next((BUCKETS[n] for n, most in enumerate((30, 60, 90), 1) if days <= most), BUCKETS[-1])


def ageing(on: date) -> list[Ageing]:
    """As things stood at the end of a day (the seller's), by currency; never summed across. Money and credit notes count from when they were
    set against an invoice. For today or later: as things stand."""
    past = on < sellers.today()
    buckets: dict[Account, dict[str, int]] = defaultdict(lambda: dict.fromkeys(BUCKETS, 0))
    for customer, currency, due, amount in _open_on(on) if past else _open_now():
        buckets[customer, currency][bucket_of(due, on)] += amount
    journal = balances.receivable(Q(booked_on__lte=on) if past else Q())
    for account in journal:
        buckets[account]  # who has nothing open but credit is told, too
    people = Customer.objects.in_bulk({customer for customer, _ in buckets})
    found: dict[str, list[Aged]] = defaultdict(list)
    for (customer, currency), mine in buckets.items():
        unapplied = sum(mine.values()) - journal.get((customer, currency), 0)
        if any(mine.values()) or unapplied:
            found[currency].append(Aged(customer, people[customer].name, people[customer].code, mine, unapplied))
    return [_summed(currency, on, found[currency]) for currency in sorted(found)]


def _summed(currency: str, on: date, customers: list[Aged]) -> Ageing:
    ordered = tuple(sorted(customers, key=lambda each: (-each.open, each.code)))
    sums = {name: sum(each.buckets[name] for each in ordered) for name in BUCKETS}
    return Ageing(currency, on, sums, sum(each.unapplied for each in ordered), ordered)


def _open_now() -> QuerySet[Standing, Owed]:
    due = Standing.objects.filter(state__in=[Standing.State.OPEN, Standing.State.PART_PAID], kind=Document.Kind.INVOICE)
    amount = Sum(F("gross_minor") - F("credited_minor") - F("paid_minor") - F("written_off_minor"))
    return due.order_by().values_list("customer", "currency", "due_date").annotate(amount=amount)


def _open_on(on: date) -> QuerySet[Standing, Owed]:
    """Built anew from what was set against each invoice and written off of it by then."""
    end = datetime.combine(on + timedelta(days=1), time(), sellers.time_zone())
    laid = Allocation.objects.filter(at__lt=end)
    lost = Entry.objects.filter(booked_on__lte=on)
    balance = (
        F("gross_minor") - _sum_of(laid) - _sum_of(lost.filter(debit=BAD_DEBT)) + _sum_of(lost.filter(credit=BAD_DEBT))
    )
    issued = Standing.objects.filter(kind=Document.Kind.INVOICE, document__issue_date__lte=on)
    due = issued.annotate(balance=balance).filter(balance__gt=0)
    return due.order_by().values_list("customer", "currency", "due_date").annotate(amount=Sum("balance"))


def _sum_of(rows: QuerySet[Any]) -> Coalesce:
    mine = rows.filter(document=OuterRef("document")).order_by().values("document").annotate(sum=Sum("amount_minor"))
    return Coalesce(Subquery(mine.values("sum")), Value(0), output_field=BigIntegerField())
