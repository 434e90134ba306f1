"""The sitemap protocol as XML Schema, written down from its public description.

Source: https://www.sitemaps.org/protocol.html
"""

from __future__ import annotations

from lxml import etree

_TYPES = """
  <xsd:simpleType name="address">
    <xsd:restriction base="xsd:anyURI">
      <xsd:minLength value="12"/><xsd:maxLength value="2048"/><xsd:pattern value="https?://[^/]+/.*"/>
    </xsd:restriction>
  </xsd:simpleType>
  <xsd:simpleType name="moment">
    <xsd:union memberTypes="xsd:date xsd:dateTime"/>
  </xsd:simpleType>
"""


def _schema(root: str, entry: str, rest: str) -> etree.XMLSchema:
    text = f"""<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"
        targetNamespace="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
      <xsd:element name="{root}"><xsd:complexType><xsd:sequence>
        <xsd:element name="{entry}" minOccurs="1" maxOccurs="50000"><xsd:complexType><xsd:sequence>
          <xsd:element name="loc" type="address"/>
          <xsd:element name="lastmod" type="moment" minOccurs="0"/>
          {rest}
        </xsd:sequence></xsd:complexType></xsd:element>
      </xsd:sequence></xsd:complexType></xsd:element>
      {_TYPES}
    </xsd:schema>"""
    return etree.XMLSchema(etree.fromstring(text))


URLS = _schema(
    "urlset",
    "url",
    """<xsd:element name="changefreq" minOccurs="0"><xsd:simpleType><xsd:restriction base="xsd:string">
         <xsd:enumeration value="always"/><xsd:enumeration value="hourly"/><xsd:enumeration value="daily"/>
         <xsd:enumeration value="weekly"/><xsd:enumeration value="monthly"/><xsd:enumeration value="yearly"/>
         <xsd:enumeration value="never"/></xsd:restriction></xsd:simpleType></xsd:element>
       <xsd:element name="priority" minOccurs="0"><xsd:simpleType><xsd:restriction base="xsd:decimal">
         <xsd:minInclusive value="0"/><xsd:maxInclusive value="1"/></xsd:restriction></xsd:simpleType></xsd:element>""",
)
INDEX = _schema("sitemapindex", "sitemap", "")
