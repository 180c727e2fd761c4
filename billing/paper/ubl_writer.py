"""UBL's namespaces, and the piece that stands everywhere in it: a category of tax."""

from __future__ import annotations

from decimal import Decimal
from xml.etree.ElementTree import Element  # nosec B405  # written only

from billing.paper.writing import Writer, number
from billing.tax import Category

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
XML = Writer(
    {
        "inv": f"{UBL}Invoice-2",
        "cn": f"{UBL}CreditNote-2",
        "cac": f"{UBL}CommonAggregateComponents-2",
        "cbc": f"{UBL}CommonBasicComponents-2",
    }
)


def tax_category(
    parent: Element, tag: str, category: Category, rate: Decimal, *, reason: str = "", code: str = ""
) -> None:
    found = XML.group(parent, tag)
    XML.tell(found, "cbc:ID", category)
    if category != "O":  # BR-O-05: it has no rate
        XML.tell(found, "cbc:Percent", number(rate))
    XML.tell(found, "cbc:TaxExemptionReasonCode", code)
    XML.tell(found, "cbc:TaxExemptionReason", reason)
    XML.tell(found, "cac:TaxScheme/cbc:ID", "VAT")
