"""What the PDF says of itself to programs (XMP): PDF/A-3B, and which XML lies inside (Factur-X 1.0)."""

from __future__ import annotations

from datetime import datetime
from xml.sax.saxutils import escape  # nosec B406  # nothing is read

FACTUR_X = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
FILE_NAME = "factur-x.xml"
PROFILE = "EN 16931"
PROPERTIES = {
    "DocumentFileName": "The name of the embedded XML document",
    "DocumentType": "The type of the hybrid document in capital letters",
    "Version": "The version of the standard of the embedded XML document",
    "ConformanceLevel": "The profile of the embedded XML document",
}


def xmp(title: str, author: str, producer: str, at: datetime, *, with_xml: bool) -> str:
    """Every entry says the same as the PDF's own, as PDF/A wants it."""
    when = at.isoformat(timespec="seconds")
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
 <pdfaid:part>3</pdfaid:part>
 <pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
 <dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
 <dc:creator><rdf:Seq><rdf:li>{escape(author)}</rdf:li></rdf:Seq></dc:creator>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
 <xmp:CreatorTool>{escape(producer)}</xmp:CreatorTool>
 <xmp:CreateDate>{when}</xmp:CreateDate>
 <xmp:ModifyDate>{when}</xmp:ModifyDate>
 <pdf:Producer>{escape(producer)}</pdf:Producer>
</rdf:Description>
{_factur_x() if with_xml else ""}</rdf:RDF>
</x:xmpmeta>"""


def _factur_x() -> str:
    properties = "".join(
        f"""
   <rdf:li rdf:parseType="Resource">
    <pdfaProperty:name>{name}</pdfaProperty:name>
    <pdfaProperty:valueType>Text</pdfaProperty:valueType>
    <pdfaProperty:category>external</pdfaProperty:category>
    <pdfaProperty:description>{words}</pdfaProperty:description>
   </rdf:li>"""
        for name, words in PROPERTIES.items()
    )
    return f"""<rdf:Description rdf:about="" xmlns:fx="{FACTUR_X}">
 <fx:DocumentType>INVOICE</fx:DocumentType>
 <fx:DocumentFileName>{FILE_NAME}</fx:DocumentFileName>
 <fx:Version>1.0</fx:Version>
 <fx:ConformanceLevel>{PROFILE}</fx:ConformanceLevel>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
 <pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
  <pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>
  <pdfaSchema:namespaceURI>{FACTUR_X}</pdfaSchema:namespaceURI>
  <pdfaSchema:prefix>fx</pdfaSchema:prefix>
  <pdfaSchema:property><rdf:Seq>{properties}
  </rdf:Seq></pdfaSchema:property>
 </rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""
