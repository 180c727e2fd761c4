"""The Cross Industry Invoice of Factur-X, profile EN 16931 (CEN/TS 16931-3-3): what lies in the PDF. The order of elements is the schema's."""

from __future__ import annotations

from xml.etree.ElementTree import Element  # nosec B405  # written only

from billing.paper import derivations, exemptions, telling
from billing.paper.cii_parties import buyer, seller
from billing.paper.cii_writer import XML, tell_day, tell_rate, tell_tax
from billing.paper.model import Adjustment, Line, Paper, TaxGroup
from billing.paper.speech import Speech
from billing.paper.writing import money, number, written


def cii(paper: Paper) -> bytes:
    """Raises CannotTell where EN 16931 has no words for it."""
    telling.demand(paper)
    speech = Speech(paper.language, paper.buyer.country)
    root = XML.root("rsm:CrossIndustryInvoice")
    context = "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID"
    XML.tell(root, context, telling.SPECIFICATION)
    head = XML.group(root, "rsm:ExchangedDocument")
    XML.tell(head, "ram:ID", paper.number)
    XML.tell(head, "ram:TypeCode", telling.CREDIT_NOTE if paper.kind == "credit_note" else telling.INVOICE)
    tell_day(head, "ram:IssueDateTime", paper.issued)
    XML.tell(head, "ram:IncludedNote/ram:Content", paper.reason)
    trade = XML.group(root, "rsm:SupplyChainTradeTransaction")
    for line in paper.lines:
        _line(trade, line, paper, speech)
    _agreement(trade, paper)
    delivery = XML.group(trade, "ram:ApplicableHeaderTradeDelivery")
    if any(group.category == "K" for group in paper.tax_groups):  # BR-IC-12
        XML.tell(delivery, "ram:ShipToTradeParty/ram:PostalTradeAddress/ram:CountryID", paper.buyer.country)
    _settlement(trade, paper, speech)
    return written(root)


def _line(trade: Element, line: Line, paper: Paper, speech: Speech) -> None:
    told = telling.told(line, paper)
    found = XML.group(trade, "ram:IncludedSupplyChainTradeLineItem")
    head = XML.group(found, "ram:AssociatedDocumentLineDocument")
    XML.tell(head, "ram:LineID", str(line.position))
    XML.tell(head, "ram:IncludedNote/ram:Content", telling.note(line, paper, speech))
    product = XML.group(found, "ram:SpecifiedTradeProduct")
    XML.tell(product, "ram:SellerAssignedID", line.code)
    XML.tell(product, "ram:Name", derivations.title(line, speech))
    XML.tell(product, "ram:Description", telling.description(line, paper))
    price = "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount"
    XML.tell(found, price, number(told.price))
    delivery = "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity"
    XML.tell(found, delivery, number(told.quantity), unitCode=told.unit)
    settlement = XML.group(found, "ram:SpecifiedLineTradeSettlement")
    tell_tax(settlement, "ram:ApplicableTradeTax", line.category, line.rate)
    tell_day(settlement, "ram:BillingSpecifiedPeriod/ram:StartDateTime", line.since)
    total = "ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount"
    XML.tell(settlement, total, money(line.net))


def _agreement(trade: Element, paper: Paper) -> None:
    agreement = XML.group(trade, "ram:ApplicableHeaderTradeAgreement")
    XML.tell(agreement, "ram:BuyerReference", paper.buyer_reference or paper.buyer.code)
    seller(agreement, paper)
    buyer(agreement, paper)
    XML.tell(agreement, "ram:BuyerOrderReferencedDocument/ram:IssuerAssignedID", paper.order_reference)
    XML.tell(agreement, "ram:ContractReferencedDocument/ram:IssuerAssignedID", paper.contract)


def _settlement(trade: Element, paper: Paper, speech: Speech) -> None:
    found = XML.group(trade, "ram:ApplicableHeaderTradeSettlement")
    pays = paper.account if paper.kind == "invoice" else None
    XML.tell(found, "ram:PaymentReference", paper.number if pays else "")
    if paper.tax_told_abroad is not None and paper.exchange:
        XML.tell(found, "ram:TaxCurrencyCode", paper.exchange.currency)
    XML.tell(found, "ram:InvoiceCurrencyCode", paper.currency)
    if pays:
        means = XML.group(found, "ram:SpecifiedTradeSettlementPaymentMeans")
        XML.tell(means, "ram:TypeCode", telling.means(paper))
        account = XML.group(means, "ram:PayeePartyCreditorFinancialAccount")
        XML.tell(account, "ram:IBANID", pays.iban)
        XML.tell(account, "ram:AccountName", paper.seller.name)
        XML.tell(means, "ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID", pays.bic)
    for group in paper.tax_groups:
        _group(found, group, paper, speech)
    if paper.period:
        period = XML.group(found, "ram:BillingSpecifiedPeriod")
        tell_day(period, "ram:StartDateTime", paper.period[0])
        tell_day(period, "ram:EndDateTime", paper.last_day)
    for each in paper.adjustments:
        _adjustment(found, each)
    terms = XML.group(found, "ram:SpecifiedTradePaymentTerms")
    XML.tell(terms, "ram:Description", telling.terms(paper, speech))
    tell_day(terms, "ram:DueDateDateTime", paper.due if paper.kind == "invoice" else None)
    _totals(found, paper)
    if paper.preceding:
        invoice = XML.group(found, "ram:InvoiceReferencedDocument")
        XML.tell(invoice, "ram:IssuerAssignedID", paper.preceding.number)
        tell_day(invoice, "ram:FormattedIssueDateTime", paper.preceding.issued, "qdt:DateTimeString")


def _group(settlement: Element, group: TaxGroup, paper: Paper, speech: Speech) -> None:
    found = XML.group(settlement, "ram:ApplicableTradeTax")
    XML.tell(found, "ram:CalculatedAmount", money(group.tax))
    XML.tell(found, "ram:TypeCode", "VAT")
    if group.category != "Z":  # BR-Z-10: it has none
        XML.tell(found, "ram:ExemptionReason", exemptions.reason(group, speech))
    XML.tell(found, "ram:BasisAmount", money(group.base))
    XML.tell(found, "ram:CategoryCode", group.category)
    XML.tell(found, "ram:ExemptionReasonCode", exemptions.CODES.get(group.category))
    tell_day(found, "ram:TaxPointDate", paper.tax_point, "udt:DateString")
    tell_rate(found, group.category, group.rate)


def _adjustment(settlement: Element, each: Adjustment) -> None:
    found = XML.group(settlement, "ram:SpecifiedTradeAllowanceCharge")
    XML.tell(found, "ram:ChargeIndicator/udt:Indicator", "true" if each.kind == "charge" else "false")
    XML.tell(found, "ram:ActualAmount", money(each.net))
    XML.tell(found, "ram:Reason", each.reason)
    tell_tax(found, "ram:CategoryTradeTax", each.category, each.rate)


def _totals(settlement: Element, paper: Paper) -> None:
    totals = XML.group(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    XML.tell(totals, "ram:LineTotalAmount", money(paper.lines_net))
    for kind, tag in (("charge", "ram:ChargeTotalAmount"), ("allowance", "ram:AllowanceTotalAmount")):
        XML.tell(totals, tag, money(paper.adjusted(kind)) if paper.adjusted(kind) else "")
    XML.tell(totals, "ram:TaxBasisTotalAmount", money(paper.net))
    XML.tell(totals, "ram:TaxTotalAmount", money(paper.tax), currencyID=paper.currency)
    if paper.tax_told_abroad is not None and paper.exchange:
        XML.tell(totals, "ram:TaxTotalAmount", money(paper.tax_told_abroad), currencyID=paper.exchange.currency)
    XML.tell(totals, "ram:GrandTotalAmount", money(paper.gross))
    XML.tell(totals, "ram:DuePayableAmount", money(paper.gross))
