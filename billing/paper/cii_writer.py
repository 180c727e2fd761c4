"""CII's namespaces, and the pieces that stand everywhere in it: a day, a tax."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element  # nosec B405  # written only

from billing.paper.writing import Writer, number
from billing.tax import Category

UNECE = "urn:un:unece:uncefact:data:standard:"
XML = Writer(
    {
        "rsm": f"{UNECE}CrossIndustryInvoice:100",
        "ram": f"{UNECE}ReusableAggregateBusinessInformationEntity:100",
        "qdt": f"{UNECE}QualifiedDataType:100",
        "udt": f"{UNECE}UnqualifiedDataType:100",
    }
)


def tell_day(parent: Element, path: str, value: date | None, tag: str = "udt:DateTimeString") -> None:
    if value:
        XML.tell(parent, f"{path}/{tag}", f"{value:%Y%m%d}", format="102")


def tell_tax(parent: Element, path: str, category: Category, rate: Decimal) -> None:
    tax = XML.group(parent, path)
    XML.tell(tax, "ram:TypeCode", "VAT")
    XML.tell(tax, "ram:CategoryCode", category)
    tell_rate(tax, category, rate)


def tell_rate(tax: Element, category: Category, rate: Decimal) -> None:
    if category != "O":  # BR-O-05: it has no rate
        XML.tell(tax, "ram:RateApplicablePercent", number(rate))
