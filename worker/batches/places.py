"""XMP without where the picture was taken: coordinates, and the names of places that people or programs wrote."""

import re
from contextlib import suppress
from xml.etree import ElementTree as ET

_PLACES = re.compile(
    r"\{http://ns\.adobe\.com/exif/1\.0/\}GPS.*"
    r"|\{http://ns\.adobe\.com/photoshop/1\.0/\}(City|State|Country)"
    r"|\{http://iptc\.org/std/Iptc4xmpCore/1\.0/xmlns/\}(Location|CountryCode)"
    r"|\{http://iptc\.org/std/Iptc4xmpExt/2008-02-29/\}(LocationCreated|LocationShown)"
    r"|\{http://ns\.google\.com/photos/1\.0/.*\}.*"
    r"|.*\}(Gps|GPS|gps|Latitude|Longitude|latitude|longitude|AbsoluteAltitude|RelativeAltitude|Geolocation).*"
)
_PREFIX = re.compile(r"""xmlns:([A-Za-z_][\w.-]*)\s*=\s*["']([^"']+)["']""")
_DECLARES = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


def without_places(packet: bytes) -> bytes | None:
    """The packet without them, or None where it is no XML that one would want to read."""
    if _DECLARES.search(packet):
        return None
    try:
        root = ET.fromstring(packet.strip(b"\0 \r\n\t"))  # noqa: S314 -- without declarations nothing expands
    except (ET.ParseError, ValueError, LookupError):
        return None
    for prefix, uri in _PREFIX.findall(packet.decode("utf-8", "replace")):
        with suppress(ValueError):  # ns0 and the like, which ElementTree keeps for itself
            ET.register_namespace(prefix, uri)
    _prune(root)
    return b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>' + ET.tostring(root) + b'<?xpacket end="r"?>'


def _prune(element: ET.Element) -> None:
    for name in [name for name in element.attrib if _PLACES.fullmatch(name)]:
        del element.attrib[name]
    for child in list(element):
        if _PLACES.fullmatch(child.tag):
            element.remove(child)
        else:
            _prune(child)
