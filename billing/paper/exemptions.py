"""Why no tax is due, as it is printed and told (BT-120, BT-121)."""

from __future__ import annotations

from billing.paper.model import TaxGroup
from billing.paper.speech import Speech
from billing.tax import WITHOUT_TAX, Category

# VATEX codes of EN 16931; an exemption (E) has many grounds, told in words alone.
CODES: dict[Category, str] = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}


def untaxed(group: TaxGroup) -> bool:
    return group.category in WITHOUT_TAX


def reason(group: TaxGroup, speech: Speech) -> str:
    """The document's own reason, behind the words that the law asks for; "" where tax is due."""
    if not untaxed(group):
        return ""
    usual = speech.text(f"why.{group.category}")
    if not group.reason or group.reason.strip(". ").casefold() in usual.casefold():
        return usual
    return group.reason if group.category in ("E", "Z") else f"{usual} {group.reason}"
