"""XML, element by element. What is empty is not written, for EN 16931 knows no empty elements."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring  # nosec B405  # nothing is read here

# what XML 1.0 cannot say
UNTOLD = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Writer:
    """Knows a syntax's prefixes, so that builders read like the document they make."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        self.namespaces = namespaces
        for prefix, address in namespaces.items():
            register_namespace(prefix, address)

    def root(self, tag: str) -> Element:
        return Element(self.name(tag))

    def name(self, tag: str) -> str:
        prefix, _, local = tag.rpartition(":")
        return f"{{{self.namespaces[prefix]}}}{local}"

    def group(self, parent: Element, path: str) -> Element:
        """A new element at the end of `path` ("cac:Party/cac:Country"), with what is above it."""
        for tag in path.split("/"):
            parent = SubElement(parent, self.name(tag))
        return parent

    def tell(self, parent: Element, path: str, value: str | None, **attributes: str) -> None:
        """A new element with this text at the end of `path`; nothing at all where there is no text."""
        text = UNTOLD.sub("", value or "").strip()
        if text:
            element = self.group(parent, path)
            element.text = text
            element.attrib.update(attributes)


def written(root: Element) -> bytes:
    indent(root)
    text: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def number(value: Decimal) -> str:
    """Without idle zeros, never in exponents."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal) -> str:
    return f"{value:f}"


def day(value: date | None) -> str | None:
    return value.isoformat() if value else None
