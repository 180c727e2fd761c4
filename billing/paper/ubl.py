"""UBL 2.1 Invoice and CreditNote, after EN 16931 and its binding to UBL (CEN/TS 16931-3-2). The order of elements is the schema's."""

from __future__ import annotations

from xml.etree.ElementTree import Element  # nosec B405  # written only

from billing.paper import derivations, exemptions, telling
from billing.paper.model import Adjustment, Line, Paper, TaxGroup
from billing.paper.speech import Speech
from billing.paper.ubl_parties import buyer, seller
from billing.paper.ubl_writer import XML, tax_category
from billing.paper.writing import day, money, number, written


def ubl(paper: Paper) -> bytes:
    """Raises CannotTell where EN 16931 has no words for it."""
    telling.demand(paper)
    speech = Speech(paper.language, paper.buyer.country)
    root = XML.root("cn:CreditNote" if paper.kind == "credit_note" else "inv:Invoice")
    _head(root, paper)
    _references(root, paper)
    seller(root, paper)
    buyer(root, paper)
    _delivery(root, paper)
    _payment(root, paper, speech)
    for each in paper.adjustments:
        _adjustment(root, each, paper)
    _taxes(root, paper, speech)
    _totals(root, paper)
    for line in paper.lines:
        _line(root, line, paper, speech)
    return written(root)


def _head(root: Element, paper: Paper) -> None:
    XML.tell(root, "cbc:CustomizationID", telling.SPECIFICATION)
    XML.tell(root, "cbc:ID", paper.number)
    XML.tell(root, "cbc:IssueDate", day(paper.issued))
    if paper.kind == "credit_note":
        XML.tell(root, "cbc:TaxPointDate", day(paper.tax_point))
        XML.tell(root, "cbc:CreditNoteTypeCode", telling.CREDIT_NOTE)
        XML.tell(root, "cbc:Note", paper.reason)
    else:
        XML.tell(root, "cbc:DueDate", day(paper.due))
        XML.tell(root, "cbc:InvoiceTypeCode", telling.INVOICE)
        XML.tell(root, "cbc:TaxPointDate", day(paper.tax_point))
    XML.tell(root, "cbc:DocumentCurrencyCode", paper.currency)
    if paper.tax_told_abroad is not None and paper.exchange:
        XML.tell(root, "cbc:TaxCurrencyCode", paper.exchange.currency)
    XML.tell(root, "cbc:BuyerReference", paper.buyer_reference or paper.buyer.code)


def _references(root: Element, paper: Paper) -> None:
    if paper.period:
        period = XML.group(root, "cac:InvoicePeriod")
        XML.tell(period, "cbc:StartDate", day(paper.period[0]))
        XML.tell(period, "cbc:EndDate", day(paper.last_day))
    XML.tell(root, "cac:OrderReference/cbc:ID", paper.order_reference)
    if paper.preceding:
        invoice = XML.group(root, "cac:BillingReference/cac:InvoiceDocumentReference")
        XML.tell(invoice, "cbc:ID", paper.preceding.number)
        XML.tell(invoice, "cbc:IssueDate", day(paper.preceding.issued))
    XML.tell(root, "cac:ContractDocumentReference/cbc:ID", paper.contract)


def _delivery(root: Element, paper: Paper) -> None:
    """Where to, which only a supply within the Union must tell (BR-IC-12)."""
    if any(group.category == "K" for group in paper.tax_groups):
        address = XML.group(root, "cac:Delivery/cac:DeliveryLocation/cac:Address")
        XML.tell(address, "cac:Country/cbc:IdentificationCode", paper.buyer.country)


def _payment(root: Element, paper: Paper, speech: Speech) -> None:
    if paper.account and paper.kind == "invoice":
        means = XML.group(root, "cac:PaymentMeans")
        XML.tell(means, "cbc:PaymentMeansCode", telling.means(paper))
        XML.tell(means, "cbc:PaymentID", paper.number)
        account = XML.group(means, "cac:PayeeFinancialAccount")
        XML.tell(account, "cbc:ID", paper.account.iban)
        XML.tell(account, "cbc:Name", paper.seller.name)
        XML.tell(account, "cac:FinancialInstitutionBranch/cbc:ID", paper.account.bic)
    XML.tell(root, "cac:PaymentTerms/cbc:Note", telling.terms(paper, speech))


def _adjustment(root: Element, each: Adjustment, paper: Paper) -> None:
    found = XML.group(root, "cac:AllowanceCharge")
    XML.tell(found, "cbc:ChargeIndicator", "true" if each.kind == "charge" else "false")
    XML.tell(found, "cbc:AllowanceChargeReason", each.reason)
    XML.tell(found, "cbc:Amount", money(each.net), currencyID=paper.currency)
    tax_category(found, "cac:TaxCategory", each.category, each.rate)


def _taxes(root: Element, paper: Paper, speech: Speech) -> None:
    total = XML.group(root, "cac:TaxTotal")
    XML.tell(total, "cbc:TaxAmount", money(paper.tax), currencyID=paper.currency)
    for group in paper.tax_groups:
        _group(total, group, paper, speech)
    if paper.tax_told_abroad is not None and paper.exchange:
        abroad = XML.group(root, "cac:TaxTotal")
        XML.tell(abroad, "cbc:TaxAmount", money(paper.tax_told_abroad), currencyID=paper.exchange.currency)


def _group(total: Element, group: TaxGroup, paper: Paper, speech: Speech) -> None:
    found = XML.group(total, "cac:TaxSubtotal")
    XML.tell(found, "cbc:TaxableAmount", money(group.base), currencyID=paper.currency)
    XML.tell(found, "cbc:TaxAmount", money(group.tax), currencyID=paper.currency)
    why = "" if group.category == "Z" else exemptions.reason(group, speech)  # (BR-Z-10: none)
    code = exemptions.CODES.get(group.category, "")
    tax_category(found, "cac:TaxCategory", group.category, group.rate, reason=why, code=code)


def _totals(root: Element, paper: Paper) -> None:
    totals = XML.group(root, "cac:LegalMonetaryTotal")
    for tag, value in (
        ("LineExtensionAmount", paper.lines_net),
        ("TaxExclusiveAmount", paper.net),
        ("TaxInclusiveAmount", paper.gross),
        ("AllowanceTotalAmount", paper.adjusted("allowance")),
        ("ChargeTotalAmount", paper.adjusted("charge")),
        ("PayableAmount", paper.gross),
    ):
        if value or tag not in ("AllowanceTotalAmount", "ChargeTotalAmount"):
            XML.tell(totals, f"cbc:{tag}", money(value), currencyID=paper.currency)


def _line(root: Element, line: Line, paper: Paper, speech: Speech) -> None:
    credit, told = paper.kind == "credit_note", telling.told(line, paper)
    found = XML.group(root, "cac:CreditNoteLine" if credit else "cac:InvoiceLine")
    XML.tell(found, "cbc:ID", str(line.position))
    XML.tell(found, "cbc:Note", telling.note(line, paper, speech))
    quantity = "cbc:CreditedQuantity" if credit else "cbc:InvoicedQuantity"
    XML.tell(found, quantity, number(told.quantity), unitCode=told.unit)
    XML.tell(found, "cbc:LineExtensionAmount", money(line.net), currencyID=paper.currency)
    XML.tell(found, "cac:InvoicePeriod/cbc:StartDate", day(line.since))
    item = XML.group(found, "cac:Item")
    XML.tell(item, "cbc:Description", telling.description(line, paper))
    XML.tell(item, "cbc:Name", derivations.title(line, speech))
    XML.tell(item, "cac:SellersItemIdentification/cbc:ID", line.code)
    tax_category(item, "cac:ClassifiedTaxCategory", line.category, line.rate)
    XML.tell(found, "cac:Price/cbc:PriceAmount", number(told.price), currencyID=paper.currency)
