"""Versions of price lists: proved, never two on one day, never changed once a final document was made with them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction

from billing import kept_rules
from billing.errors import WrongFields
from billing.models import PriceList, PriceVersion
from billing.price_rules import proved, stored
from billing.selectors.billed import billed_with
from billing.services.master import rows
from queues.contract import Actor

FIELDS = {"rules": "", "price_list": "valid_from"}  # where the editor tells of them


def add_version(
    price_list: PriceList, valid_from: date, rules: Sequence[Any], *, actor: Actor, note: str = "", why: str = ""
) -> PriceVersion:
    """New rules from a day on: the open version before them ends on it, and they end where a later version begins.

    Audited, each change by itself. Raises WrongFields: of the rules by their paths ("rules.0.amount"), `valid_from`.
    """
    with transaction.atomic():
        _lock(price_list)
        versions = PriceVersion.objects.filter(price_list=price_list)
        later = versions.filter(valid_from__gt=valid_from).order_by("valid_from").first()
        before = versions.filter(valid_from__lt=valid_from, valid_until=None).first()
        if before is not None:
            before.valid_until = valid_from
            try:
                save_version(before, actor=actor, why=why)
            except WrongFields as refused:
                raise WrongFields.of("valid_from", refused.errors[0].message, refused.errors[0].code) from None
        row = PriceVersion(
            price_list=price_list, valid_from=valid_from, rules=list(rules), note=note,
            valid_until=later.valid_from if later is not None else None,
        )  # fmt: skip
        return save_version(row, actor=actor, why=why)


def save_version(row: PriceVersion, *, actor: Actor, why: str = "") -> PriceVersion:
    """A new version, or the one of this primary key. Audited. Raises WrongFields, by field."""
    rules = stored(proved(row.rules))
    with transaction.atomic():
        _lock(row.price_list)
        before = rows.held(row)
        row.rules = rules if before is None or _differ(before.rules, rules) else before.rules
        if before is not None:
            _is_free(before, row)
        _overlaps_none(row)
        return rows.store(row, before, actor=actor, why=why)


def delete_version(row: PriceVersion, *, actor: Actor, why: str = "") -> None:
    """Audited. Raises WrongFields where a final document was made with it, PriceVersion.DoesNotExist."""
    with transaction.atomic():
        _lock(row.price_list)
        held = PriceVersion.objects.select_for_update().get(pk=row.pk)
        rows.refuse(kept_rules.price_version({"rules"}, None, billed_with(held)), field="")
        rows.remove(held, actor=actor, why=why)


def _lock(price_list: PriceList) -> None:
    """All who write its versions come one after the other. (On SQLite the transaction itself is that lock.)"""
    PriceList.objects.select_for_update().get(pk=price_list.pk)


def _is_free(before: PriceVersion, row: PriceVersion) -> None:
    """What final documents were made with stays: such a version may only end, after the last day that they are for."""
    names = rows.differing(row, before, "price_list", "valid_from", "rules")
    for name, message in kept_rules.price_version(names, row.valid_until, billed_with(before)):
        raise WrongFields.of(FIELDS.get(name, name), message, "billed")


def _differ(old: Sequence[Any], rules: Sequence[Any]) -> bool:
    """By what they say, not by how they are written: 25 and 25.00 are one price."""
    try:
        return proved(old) != proved(rules)
    except WrongFields:  # what is stored cannot be read any more
        return True


def _overlaps_none(row: PriceVersion) -> None:
    others = PriceVersion.objects.filter(price_list=row.price_list_id).exclude(pk=row.pk)
    if row.valid_until is not None:
        others = others.filter(valid_from__lt=row.valid_until)
    for other in others:
        if other.valid_until is None or other.valid_until > row.valid_from:
            end = f"until {other.valid_until}" if other.valid_until else "and has no end"
            field = "valid_until" if other.valid_from > row.valid_from else "valid_from"
            raise WrongFields.of(
                field,
                f"Another version is valid from {other.valid_from} {end}: two would be in force on one day.",
                "overlap",
            )
