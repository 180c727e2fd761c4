"""Contracts, the services in them, rented containers' stays, and coupons: proofs beyond the columns."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Q

from billing import kept_rules, service_days
from billing.errors import CannotPrice, WrongFields
from billing.models import Contract, Coupon, Service, Stay
from billing.money import minor_digits
from billing.selectors import billed
from billing.services.master import rows


def prove_contract(row: Contract, held: Contract | None) -> None:
    minor_digits(row.currency)
    _ends_after_start(row.starts_on, row.ends_on, inclusive=row.ends == Contract.Ends.INCLUSIVE)
    if held is None:
        return
    names = rows.differing(row, held, *kept_rules.OF_CONTRACT)
    rows.refuse(kept_rules.contract(held.code, names, final=bool(billed.final_contracts({held.code}))))
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
    _no_visits_outside(Q(service__contract=row), row.starts_on, _end(row.ends_on, row.ends))


def prove_service(row: Service, held: Service | None) -> None:
    contract = row.contract
    inclusive = contract.ends == Contract.Ends.INCLUSIVE
    if held is not None:
        names = rows.differing(row, held, *kept_rules.OF_SERVICE)
        rows.refuse(kept_rules.service(held.code, names, billed=billed.billed_until(held.contract) is not None))
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
        _no_visits_outside(Q(service=row), row.starts_on, _end(row.ends_on, contract.ends))


def prove_stay(row: Stay, held: Stay | None) -> None:
    if row.removed_on is not None and row.removed_on < row.delivered_on:
        raise WrongFields.of("removed_on", f"It came on {row.delivered_on}: it cannot be taken away before.")
    was = (held.delivered_on, held.removed_on) if held is not None else (None, None)
    rows.refuse(kept_rules.stay(was, (row.delivered_on, row.removed_on), billed.billed_until(row.service.contract)))


def prove_coupon(row: Coupon, held: Coupon | None) -> None:
    if held is not None:
        may_delete_coupon(held)
    if row.amount_minor <= 0:
        raise WrongFields.of("amount_minor", "A coupon is worth something.")
    if row.valid_until is not None and row.valid_until <= row.valid_from:
        raise WrongFields.of(
            "valid_until", "This is the first day on which it is not valid any more: after the one it is valid from."
        )


def may_delete_coupon(row: Coupon) -> None:
    rows.refuse(kept_rules.coupon(row.code, used=row.used_on_id is not None))


def may_delete_stay(row: Stay) -> None:
    was = (row.delivered_on, None)
    rows.refuse(kept_rules.stay(was, (None, None), billed.billed_until(row.service.contract)), field="")


def may_delete_service(row: Service) -> None:
    if billed.standing().filter(contract=row.contract, lines__service=row.code).exists():
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


def _end(ends_on: date | None, ends: str) -> date | None:
    """The day after the last one served."""
    return ends_on if ends_on is None or ends == Contract.Ends.EXCLUSIVE else ends_on + timedelta(days=1)


def _no_visits_outside(of: Q, starts_on: date, end: date | None) -> None:
    for name, message in kept_rules.span(billed.visit_outside(of, starts_on, end), starts_on):
        raise WrongFields.of(name, message)
