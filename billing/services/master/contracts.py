"""Contracts, the services in them, rented containers' stays, and coupons: proofs beyond the columns."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Q, QuerySet

from billing import service_days
from billing.errors import CannotPrice, WrongFields
from billing.models import Contract, Coupon, Document, Service, Stay, Visit
from billing.money import minor_digits
from billing.selectors.billed import billed_until, standing

FIXED = {
    "currency": "currency", "customer_id": "customer", "jurisdiction_id": "jurisdiction", "anchor": "anchor", "every": "every",
}  # fmt: skip


def prove_contract(row: Contract, held: Contract | None) -> None:
    minor_digits(row.currency)
    _ends_after_start(row.starts_on, row.ends_on, inclusive=row.ends == Contract.Ends.INCLUSIVE)
    if held is None:
        return
    if Document.objects.filter(contract=row, state=Document.State.FINAL).exists():
        for name, field in FIXED.items():
            if getattr(row, name) != getattr(held, name):
                raise WrongFields.of(
                    field, "The contract has final documents: end it, and make another one instead.", "billed"
                )
    if held.currency != row.currency and (other := row.services.exclude(price_list__currency=row.currency).first()):
        raise WrongFields.of("currency", f"The service {other} has a price list in {other.price_list.currency}.")
    if held.customer_id != row.customer_id and (other := row.services.exclude(site__customer=row.customer_id).first()):
        raise WrongFields.of("customer", f"The service {other} is at a site of another customer's.")
    if other := row.services.filter(starts_on__lt=row.starts_on).first():
        raise WrongFields.of("starts_on", f"The service {other} starts on {other.starts_on}, before the contract.")
    if row.ends_on is not None and (other := row.services.filter(ends_on__gt=row.ends_on).first()):
        raise WrongFields.of(
            "ends_on", f"The service {other} ends on {other.ends_on}, after the contract: end it first."
        )
    _no_visits_outside(Visit.objects.filter(service__contract=row), row.starts_on, _last(row.ends_on, row.ends))


def prove_service(row: Service, held: Service | None) -> None:
    contract = row.contract
    inclusive = contract.ends == Contract.Ends.INCLUSIVE
    if held is not None and held.contract_id != row.contract_id and billed_until(held.contract) is not None:
        raise WrongFields.of(
            "contract", "It is on final documents of its contract: end it, and make another one.", "billed"
        )
    if row.site.customer_id != contract.customer_id:
        raise WrongFields.of("site", f"{row.site.code} is not a site of {contract.customer.name}.")
    if row.price_list.currency != contract.currency:
        raise WrongFields.of("price_list", f"It is in {row.price_list.currency}, the contract in {contract.currency}.")
    other = contract.services.exclude(pk=row.pk).exclude(price_list__tax_mode=row.price_list.tax_mode).first()
    if other is not None:
        raise WrongFields.of(
            "price_list", f"With {other}, prices have the tax in them or on top: one of them in a contract."
        )
    _prove_pattern(row)
    _ends_after_start(row.starts_on, row.ends_on, inclusive=inclusive)
    if row.starts_on < contract.starts_on:
        raise WrongFields.of("starts_on", f"The contract starts on {contract.starts_on}.")
    if contract.ends_on is not None and row.ends_on is not None and row.ends_on > contract.ends_on:
        raise WrongFields.of("ends_on", f"The contract ends on {contract.ends_on}.")
    if held is not None:
        if held.price_list_id != row.price_list_id and (until := billed_until(contract)):
            raise WrongFields.of(
                "price_list",
                f"Days before {until} are billed with {held.price_list.code}: end this service, and make another one.",
                "billed",
            )
        _no_visits_outside(Visit.objects.filter(service=row), row.starts_on, _last(row.ends_on, contract.ends))


def prove_stay(row: Stay, held: Stay | None) -> None:
    if row.removed_on is not None and row.removed_on < row.delivered_on:
        raise WrongFields.of("removed_on", f"It came on {row.delivered_on}: it cannot be taken away before.")
    until = billed_until(row.service.contract)
    if until is None:
        return
    was = (held.delivered_on, held.removed_on) if held is not None else (None, None)
    for name, old, new in (("delivered_on", was[0], row.delivered_on), ("removed_on", was[1], row.removed_on)):
        if old != new and any(day is not None and day < until for day in (old, new)):
            raise WrongFields.of(
                name, f"Days before {until} are billed: give a day from then on, and credit what is too much.", "billed"
            )


def prove_coupon(row: Coupon, held: Coupon | None) -> None:
    if held is not None and held.used_on_id is not None:
        raise WrongFields.of("", "It is used: its document stands as it is.", "billed")
    if row.amount_minor <= 0:
        raise WrongFields.of("amount_minor", "A coupon is worth something.")
    if row.valid_until is not None and row.valid_until <= row.valid_from:
        raise WrongFields.of(
            "valid_until", "This is the first day on which it is not valid any more: after the one it is valid from."
        )


def may_delete_coupon(row: Coupon) -> None:
    if row.used_on_id is not None:
        raise WrongFields.of("", "It is used: its document stands as it is.", "billed")


def may_delete_stay(row: Stay) -> None:
    until = billed_until(row.service.contract)
    if until is not None and row.delivered_on < until:
        raise WrongFields.of(
            "", f"Days before {until} are billed: end it instead, and credit what is too much.", "billed"
        )


def may_delete_service(row: Service) -> None:
    if standing().filter(contract=row.contract, lines__service=row.code).exists():
        raise WrongFields.of("", "It is on final documents: end it instead.", "billed")


def _prove_pattern(row: Service) -> None:
    """What the pattern needs."""
    if row.containers < 1:
        raise WrongFields.of("containers", "A service is of one container or more.")
    days = {int(each) for each in row.weekdays} if row.weekdays.isdecimal() else set()
    if row.weekdays and (not row.weekdays.isdecimal() or days - set(range(7))):
        raise WrongFields.of("weekdays", "Digits from 0 (Monday) to 6: 03 is Monday and Thursday.")
    try:
        if row.pattern == Service.Pattern.WEEKLY:
            service_days.Weekly(frozenset(days), row.interval, row.anchor or date(2024, 1, 1))
        elif row.pattern == Service.Pattern.MONTHLY:
            service_days.Monthly(row.month_day, row.nth, row.weekday)
    except CannotPrice as wrong:
        raise WrongFields.of({"monthly": "month_day"}.get(wrong.field, wrong.field), wrong.message) from None
    if row.pattern == Service.Pattern.WEEKLY and row.interval > 1 and row.anchor is None:
        raise WrongFields.of("anchor", "Every other week from when? Give a day of a week in which it is served.")
    if row.shift != Service.Shift.NONE and row.holidays_id is None:
        raise WrongFields.of("holidays", "Say which calendar's holidays move it.")


def _ends_after_start(start: date, end: date | None, *, inclusive: bool) -> None:
    if end is not None and (end < start or (end == start and not inclusive)):
        raise WrongFields.of("ends_on", f"It starts on {start}: this end leaves it no day.")


def _last(ends_on: date | None, ends: str) -> date | None:
    """The last day served."""
    return ends_on if ends_on is None or ends == Contract.Ends.INCLUSIVE else ends_on - timedelta(days=1)


def _no_visits_outside(visits: QuerySet[Visit], first: date, last: date | None) -> None:
    outside = Q(day__lt=first) if last is None else Q(day__lt=first) | Q(day__gt=last)
    found = visits.filter(outside).order_by("day").first()
    if found is not None:
        field = "starts_on" if found.day < first else "ends_on"
        raise WrongFields.of(
            field, f"The visit {found.code} was on {found.day}: it would be on a day that is not served."
        )
