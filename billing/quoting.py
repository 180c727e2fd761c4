"""A case in, its figures out, both as JSON values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import singledispatch
from reprlib import repr as short
from typing import Any

import pydantic

from billing import document
from billing.case_format import CASES, KINDS, ChangeCase, DocumentCase, FuelCase, ProrationCase
from billing.document import Adjustment, Draft, Line
from billing.errors import CannotPrice
from billing.fuel import FuelTable
from billing.money import minor_digits, rounded, told
from billing.proration import Part, Period, rest_from, served
from billing.tax import tax_on

Json = dict[str, Any]


def quote(given: Any) -> Json:
    """The answer to a case: its figures, or what is wrong with it and where (`error`). Never a guess."""
    name = given.get("case") if isinstance(given, Mapping) else None
    try:
        case = _read(given)
        return {"case": case.case, **_answer(case)}
    except CannotPrice as error:
        return {
            "case": name if isinstance(name, str) else None,
            "error": {"field": error.field, "message": error.message},
        }


def _read(given: Any) -> Any:
    if not isinstance(given, Mapping):
        raise CannotPrice("case", "A case is a JSON object.")
    if given.get("kind") not in KINDS:
        raise CannotPrice("kind", f"There is no kind {short(given.get('kind'))}; the kinds are {', '.join(KINDS)}.")
    try:
        return CASES.validate_python(dict(given))
    except pydantic.ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        path = ".".join(str(part) for part in first["loc"][1:])  # (the first is the kind)
        raise CannotPrice(path, _worded(first["type"], first["msg"])) from None


def _worded(kind: str, message: str) -> str:
    if kind == "missing":
        return "This is missing."
    if kind == "extra_forbidden":
        return "There is nothing of this name here: is it misspelt?"
    text = message.removeprefix("Value error, ").replace("Input should", "This should")
    return f"{text[:1].upper()}{text[1:]}."


@singledispatch
def _answer(case: Any) -> Json:
    raise CannotPrice("kind", f"Nobody prices {type(case).__name__}.")


@_answer.register
def _(case: DocumentCase) -> Json:
    draft = Draft(
        currency=case.currency,
        lines=[
            Line(
                each.id, each.quantity, each.unit_price, each.tax.tax(), each.base_quantity,
                [Adjustment(own.kind, own.amount) for own in each.adjustments],
            )
            for each in case.lines
        ],
        mode=case.tax_mode, rounding=case.rounding,
        adjustments=[Adjustment(each.kind, each.amount, each.tax.tax()) for each in case.adjustments],
        coupon=case.coupon.amount if case.coupon else Decimal(0), prepaid=case.prepaid,
    )  # fmt: skip
    priced = document.price(draft)
    return {
        "lines": [{"id": line_id, "net": told(net)} for line_id, net in priced.lines],
        "adjustments": [
            {"kind": each.kind, "amount": told(each.amount), "net": told(net), **_tax(each)}
            for each, net in priced.adjustments
        ],
        "tax_groups": [
            {
                "category": each.rate.category,
                "rate": told(each.rate.rate),
                "base": told(each.base),
                "tax": told(each.tax),
            }
            for each in priced.tax_groups
        ],
        **{name: told(getattr(priced, name)) for name in ("net", "tax", "gross", "prepaid", "due")},
    }


@_answer.register
def _(case: ProrationCase) -> Json:
    digits = minor_digits(case.currency)
    part = served(_period(case), case.since, case.until, case.timezone)
    amount = part.of(case.price, digits)
    figures = {"days": part.days, "of_days": part.of_days, "fraction": told(rounded(part.fraction, 9))}
    if case.tax is None:
        return {**figures, "net": told(amount)}
    tax = tax_on(amount, case.tax.tax().rate, case.tax_mode, digits)
    net = amount if case.tax_mode == "exclusive" else amount - tax
    return {**figures, "net": told(net), "tax": told(tax), "gross": told(net + tax)}


@_answer.register
def _(case: ChangeCase) -> Json:
    digits = minor_digits(case.currency)
    rest: Part = rest_from(_period(case), case.change_on, case.timezone)
    credit, charge = -rest.of(case.old_price, digits), rest.of(case.new_price, digits)
    return {
        "days": rest.days, "of_days": rest.of_days, "credit": told(credit), "charge": told(charge), "net": told(credit + charge),
    }  # fmt: skip


@_answer.register
def _(case: FuelCase) -> Json:
    digits = minor_digits(case.currency)
    table = FuelTable(case.base, case.step, case.percent_per_step, case.floor_percent, case.cap_percent)
    percent = table.percent(case.index)
    return {"percent": _percent(percent), "amount": told(table.amount(case.index, case.on, digits))}


def _percent(percent: Decimal) -> str:
    """With two decimals at least, and all that it has."""
    brief = rounded(percent, 2)
    return told(brief) if brief == percent else told(percent).rstrip("0")


def _period(case: ProrationCase | ChangeCase) -> Period:
    return Period(case.period.start, case.period.end)


def _tax(each: Adjustment) -> Json:
    return {} if each.tax is None else {"tax": {"category": each.tax.category, "rate": told(each.tax.rate)}}
