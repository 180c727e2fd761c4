"""Seller and buyer in CII."""

from __future__ import annotations

from xml.etree.ElementTree import Element  # nosec B405  # written only

from billing.paper import telling
from billing.paper.cii_writer import XML
from billing.paper.model import Paper, Party


def seller(agreement: Element, paper: Paper) -> None:
    """BG-4. A tax number that is no VAT number is a tax registration (BT-32)."""
    party = paper.seller
    vat = "" if telling.outside_of_tax(paper) else telling.vat_id(party)
    registration = party.registration or ("" if vat else party.tax_id)
    found = _party(agreement, "ram:SellerTradeParty", party, registration)
    if vat:
        XML.tell(found, "ram:SpecifiedTaxRegistration/ram:ID", vat, schemeID="VA")
    else:
        XML.tell(found, "ram:SpecifiedTaxRegistration/ram:ID", party.tax_id, schemeID="FC")


def buyer(agreement: Element, paper: Paper) -> None:
    """BG-7. A tax number that is no VAT number is a registration (BT-47)."""
    party = paper.buyer
    vat = "" if telling.outside_of_tax(paper) else telling.vat_id(party)
    found = _party(agreement, "ram:BuyerTradeParty", party, "" if vat else party.tax_id)
    XML.tell(found, "ram:SpecifiedTaxRegistration/ram:ID", vat, schemeID="VA")


def _party(agreement: Element, tag: str, party: Party, registration: str) -> Element:
    found = XML.group(agreement, tag)
    XML.tell(found, "ram:ID", party.code)
    XML.tell(found, "ram:Name", party.name)
    XML.tell(found, "ram:SpecifiedLegalOrganization/ram:ID", registration)
    if party.phone or party.email:
        contact = XML.group(found, "ram:DefinedTradeContact")
        XML.tell(contact, "ram:TelephoneUniversalCommunication/ram:CompleteNumber", party.phone)
        XML.tell(contact, "ram:EmailURIUniversalCommunication/ram:URIID", party.email)
    address = XML.group(found, "ram:PostalTradeAddress")
    XML.tell(address, "ram:PostcodeCode", party.postcode)
    XML.tell(address, "ram:LineOne", party.street)
    XML.tell(address, "ram:CityName", party.city)
    XML.tell(address, "ram:CountryID", party.country)
    XML.tell(found, "ram:URIUniversalCommunication/ram:URIID", party.email, schemeID="EM")
    return found
