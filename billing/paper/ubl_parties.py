"""Seller and buyer in UBL."""

from __future__ import annotations

from xml.etree.ElementTree import Element  # nosec B405  # written only

from billing.paper import telling
from billing.paper.model import Paper, Party
from billing.paper.ubl_writer import XML


def seller(root: Element, paper: Paper) -> None:
    """BG-4. A tax number that is no VAT number is a tax registration (BT-32)."""
    found, party = XML.group(root, "cac:AccountingSupplierParty/cac:Party"), paper.seller
    vat = "" if telling.outside_of_tax(paper) else telling.vat_id(party)
    _address(found, party)
    if vat:
        _tax_id(found, vat, "VAT")
    elif party.tax_id:
        _tax_id(found, party.tax_id, "TAX")
    legal = XML.group(found, "cac:PartyLegalEntity")
    XML.tell(legal, "cbc:RegistrationName", party.name)
    XML.tell(legal, "cbc:CompanyID", party.registration or ("" if vat else party.tax_id))
    _contact(found, party)


def buyer(root: Element, paper: Paper) -> None:
    """BG-7. A tax number that is no VAT number is a registration (BT-47)."""
    found, party = XML.group(root, "cac:AccountingCustomerParty/cac:Party"), paper.buyer
    vat = "" if telling.outside_of_tax(paper) else telling.vat_id(party)
    _address(found, party)
    if vat:
        _tax_id(found, vat, "VAT")
    legal = XML.group(found, "cac:PartyLegalEntity")
    XML.tell(legal, "cbc:RegistrationName", party.name)
    XML.tell(legal, "cbc:CompanyID", "" if vat else party.tax_id)
    _contact(found, party)


def _address(found: Element, party: Party) -> None:
    XML.tell(found, "cbc:EndpointID", party.email, schemeID="EM")
    XML.tell(found, "cac:PartyIdentification/cbc:ID", party.code)
    address = XML.group(found, "cac:PostalAddress")
    XML.tell(address, "cbc:StreetName", party.street)
    XML.tell(address, "cbc:CityName", party.city)
    XML.tell(address, "cbc:PostalZone", party.postcode)
    XML.tell(address, "cac:Country/cbc:IdentificationCode", party.country)


def _tax_id(found: Element, value: str, scheme: str) -> None:
    tax = XML.group(found, "cac:PartyTaxScheme")
    XML.tell(tax, "cbc:CompanyID", value)
    XML.tell(tax, "cac:TaxScheme/cbc:ID", scheme)


def _contact(found: Element, party: Party) -> None:
    if party.phone or party.email:
        contact = XML.group(found, "cac:Contact")
        XML.tell(contact, "cbc:Telephone", party.phone)
        XML.tell(contact, "cbc:ElectronicMail", party.email)
