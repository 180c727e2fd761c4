"""The XML read back, as a stranger reads it, and every figure held against the paper: no file is kept whose cents differ.

EN 16931's own rules leave a euro of room in some sums (BR-S-08, BR-CO-17) and look at no unit price; here there is none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from xml.etree.ElementTree import Element  # nosec B405  # parsing is defusedxml's

from defusedxml.ElementTree import fromstring

from billing.errors import CannotPrice
from billing.money import rounded
from billing.paper import cii_writer, ubl_writer
from billing.paper.model import Line, Paper
from billing.paper.writing import Writer


class FigureDiffers(CannotPrice):
    """The XML says another figure than the document: a fault of ours. Nothing was kept."""

    code = "figure_differs"


@dataclass(frozen=True)
class Places:
    """Where a syntax keeps its figures. Paths of a line, an allowance and a tax group are within it."""

    writer: Writer
    lines: tuple[str, ...]
    line: dict[str, str]
    adjustments: str
    adjustment: str
    groups: str
    group: dict[str, str]
    totals: dict[str, str]
    taxes: str  # in the document's currency, and in the seller's


UBL = Places(
    ubl_writer.XML,
    ("cac:InvoiceLine", "cac:CreditNoteLine"),
    {"net": "cbc:LineExtensionAmount", "price": "cac:Price/cbc:PriceAmount"},
    "cac:AllowanceCharge",
    "cbc:Amount",
    "cac:TaxTotal/cac:TaxSubtotal",
    {"base": "cbc:TaxableAmount", "tax": "cbc:TaxAmount"},
    {
        "lines": "cac:LegalMonetaryTotal/cbc:LineExtensionAmount",
        "allowances": "cac:LegalMonetaryTotal/cbc:AllowanceTotalAmount",
        "charges": "cac:LegalMonetaryTotal/cbc:ChargeTotalAmount",
        "net": "cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount",
        "gross": "cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount",
        "due": "cac:LegalMonetaryTotal/cbc:PayableAmount",
    },
    "cac:TaxTotal/cbc:TaxAmount",
)
_TRADE = "rsm:SupplyChainTradeTransaction"
_SETTLEMENT = f"{_TRADE}/ram:ApplicableHeaderTradeSettlement"
_SUMS = f"{_SETTLEMENT}/ram:SpecifiedTradeSettlementHeaderMonetarySummation"
CII = Places(
    cii_writer.XML,
    (f"{_TRADE}/ram:IncludedSupplyChainTradeLineItem",),
    {
        "net": "ram:SpecifiedLineTradeSettlement/ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
        "price": "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount",
    },
    f"{_SETTLEMENT}/ram:SpecifiedTradeAllowanceCharge",
    "ram:ActualAmount",
    f"{_SETTLEMENT}/ram:ApplicableTradeTax",
    {"base": "ram:BasisAmount", "tax": "ram:CalculatedAmount"},
    {
        "lines": f"{_SUMS}/ram:LineTotalAmount",
        "allowances": f"{_SUMS}/ram:AllowanceTotalAmount",
        "charges": f"{_SUMS}/ram:ChargeTotalAmount",
        "net": f"{_SUMS}/ram:TaxBasisTotalAmount",
        "gross": f"{_SUMS}/ram:GrandTotalAmount",
        "due": f"{_SUMS}/ram:DuePayableAmount",
    },
    f"{_SUMS}/ram:TaxTotalAmount",
)
QUANTITY = ("cbc:InvoicedQuantity", "cbc:CreditedQuantity", "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity")


def prove(paper: Paper, xml: bytes, places: Places) -> None:
    """Raises FigureDiffers with the first figure that is not the document's."""
    for where, found, should in _figures(paper, fromstring(xml), places):
        if found != should:
            raise FigureDiffers(where, f"{paper.number}: the XML says {found}, the document {should}.")


Figures = Iterator[tuple[str, Decimal | int | None, Decimal | int | None]]


def _figures(paper: Paper, root: Element, places: Places) -> Figures:
    """Where, what is found, what should be there."""
    expected: dict[str, Decimal | None] = {
        "lines": paper.lines_net, "allowances": paper.adjusted("allowance") or None, "charges": paper.adjusted("charge") or None,
        "net": paper.net, "gross": paper.gross, "due": paper.gross,
    }  # fmt: skip
    for name, path in places.totals.items():
        yield name, _value(root, path, places.writer), expected[name]
    taxes = [Decimal(each.text or "") for each in _all(root, places.taxes, places.writer)]
    for n, should in enumerate((paper.tax, paper.tax_told_abroad)):
        yield f"tax.{n}", taxes[n] if n < len(taxes) else None, should
    groups = _all(root, places.groups, places.writer)
    yield "tax_groups", len(groups), len(paper.tax_groups)
    for n, (element, group) in enumerate(zip(groups, paper.tax_groups, strict=False)):
        yield f"tax_groups.{n}.base", _value(element, places.group["base"], places.writer), group.base
        yield f"tax_groups.{n}.tax", _value(element, places.group["tax"], places.writer), group.tax
    adjustments = _all(root, places.adjustments, places.writer)
    yield "adjustments", len(adjustments), len(paper.adjustments)
    for n, (element, each) in enumerate(zip(adjustments, paper.adjustments, strict=False)):
        yield f"adjustments.{n}", _value(element, places.adjustment, places.writer), each.net
    lines = [each for path in places.lines for each in _all(root, path, places.writer)]
    yield "lines", len(lines), len(paper.lines)
    for element, line in zip(lines, paper.lines, strict=False):
        yield from _of_line(paper, element, line, places)


def _of_line(paper: Paper, element: Element, line: Line, places: Places) -> Figures:
    """Its net, and its price: that of the document or, for one piece at the line's net, that net."""
    yield f"lines.{line.position}.net", _value(element, places.line["net"], places.writer), line.net
    price = _value(element, places.line["price"], places.writer)
    quantity = next(
        filter(None, (_value(element, path, places.writer) for path in QUANTITY if _known(path, places))), Decimal()
    )
    as_priced = (line.quantity, line.unit_price) == (quantity, price)
    yield f"lines.{line.position}.price", price, line.unit_price if as_priced else abs(line.net)
    yield f"lines.{line.position}", rounded(quantity * (price or Decimal()), paper.digits), line.net


def _known(path: str, places: Places) -> bool:
    return path.split(":")[0] in places.writer.namespaces


def _all(root: Element, path: str, writer: Writer) -> list[Element]:
    return root.findall("/".join(writer.name(tag) for tag in path.split("/")))


def _value(root: Element, path: str, writer: Writer) -> Decimal | None:
    found = _all(root, path, writer)
    return Decimal(found[0].text or "") if len(found) == 1 else None
