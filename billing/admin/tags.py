"""`{% load billing_admin %}`: the pieces of `billing.admin.show` for templates (named in settings, TEMPLATES → libraries)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django import template
from django.utils.safestring import SafeString

from billing import amounts
from billing.admin import pieces, show
from queues.contract import ports

register = template.Library()


@register.filter
def money(minor: int | None, currency: str) -> str:
    """Minor units as an amount with its currency."""
    return pieces.money(minor, currency)


@register.filter
def amount(minor: int | None, currency: str) -> str:
    """Minor units as an amount."""
    return pieces.amount(minor, currency)


@register.filter
def readable(text: object) -> str:
    """What was written down with machines' numbers: a true minus before what is negative."""
    return amounts.minus(str(text))


@register.filter
def day(value: date | None) -> str:
    return pieces.day(value)


@register.filter
def change(percent: Decimal | None) -> str:
    return pieces.change(percent)


@register.filter
def plain(value: Decimal | None) -> str:
    """A quantity or a rate without needless zeros."""
    return "" if value is None else amounts.minus(f"{value.normalize():f}")


@register.filter
def price(value: Decimal | None, currency: str) -> str:
    """A price of one piece: as many decimals as the currency has, or more where it has more."""
    return "" if value is None else pieces.price(value, currency)


@register.filter
def named(name: str) -> str:
    """What a line was priced from, as people call it: unit_price is "Unit price"."""
    return name.replace("_", " ").capitalize()


@register.filter
def way(payment: Any) -> str:
    return show.way(payment)


@register.filter
def item_state(item: Any) -> SafeString:
    return show.item_state(item)


@register.simple_tag
def made() -> int:
    """When the page was made: Unix time, the second that has begun, so that what ends while it is made counts as later."""
    return int(ports.now().timestamp())


@register.simple_tag
def period(row: Any) -> str:
    """Of a document or an item of a run."""
    return pieces.period(row.period_start, row.period_end)


@register.simple_tag
def part_of(line: Any, document: Any) -> str:
    """Which days of the document's period a line is for, where it is not for all of them."""
    return show.part(line.inputs, document.period_start, document.period_end)


@register.simple_tag
def page_of(model: str, pk: object) -> str:
    """The page of another row; empty where there is none."""
    return pieces.page_at(model, pk) if pk else ""
