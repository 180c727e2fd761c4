"""The doors: `prove` says what is wrong, `save` and `delete` prove once more under a lock, and write the audit entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import models, transaction

from billing.errors import CannotPrice, WrongFields
from billing.models import (
    Contract,
    Coupon,
    Customer,
    ExchangeRate,
    FuelIndex,
    Holiday,
    HolidayCalendar,
    Jurisdiction,
    PriceList,
    Seller,
    Service,
    Site,
    Stay,
    TaxRate,
    Visit,
    WeighTicket,
)  # fmt: skip
from billing.services.master import contracts, places, rates, rows, visits
from queues.contract import Actor

M = TypeVar("M", bound=models.Model)
PROOFS: dict[type[models.Model], Callable[[Any, Any], None]] = {
    Contract: contracts.prove_contract,
    Coupon: contracts.prove_coupon,
    Customer: places.prove_customer,
    ExchangeRate: rates.prove_exchange_rate,
    FuelIndex: rates.prove_fuel_index,
    Holiday: rates.prove_holiday,
    HolidayCalendar: rates.prove_calendar,
    Jurisdiction: rates.prove_jurisdiction,
    PriceList: rates.prove_price_list,
    Seller: places.prove_seller,
    Service: contracts.prove_service,
    Site: places.prove_site,
    Stay: contracts.prove_stay,
    TaxRate: rates.prove_tax_rate,
    Visit: visits.prove_visit,
    WeighTicket: visits.prove_ticket,
}
MAY_DELETE: dict[type[models.Model], Callable[[Any], None]] = {
    Coupon: contracts.may_delete_coupon,
    ExchangeRate: rates.may_delete_exchange_rate,
    FuelIndex: rates.may_delete_fuel_index,
    Service: contracts.may_delete_service,
    Stay: contracts.may_delete_stay,
    TaxRate: rates.may_delete_tax_rate,
    Visit: visits.is_free,
    WeighTicket: visits.may_delete_ticket,
}


def prove(row: models.Model, held: models.Model | None = None) -> None:
    """Whether the row may be stored in place of `held`; spells it as it is kept. Raises WrongFields, by field."""
    try:
        PROOFS[type(row)](row, held)
    except CannotPrice as wrong:
        raise WrongFields.of(wrong.field, wrong.message) from None


def save(row: M, *, actor: Actor, why: str = "") -> M:
    """Write a new row, or change the one of this primary key. Audited. Raises WrongFields, by field."""
    with transaction.atomic():
        held = rows.held(row)
        prove(row, held)
        return rows.store(row, held, actor=actor, why=why)


def delete(row: models.Model, *, actor: Actor, why: str = "") -> None:
    """Audited. Raises WrongFields where documents rest on it or others refer to it; ObjectDoesNotExist."""
    with transaction.atomic():
        manager: Any = type(row)._default_manager
        held = manager.select_for_update().get(pk=row.pk)
        MAY_DELETE.get(type(row), lambda row: None)(held)
        rows.remove(held, actor=actor, why=why)
