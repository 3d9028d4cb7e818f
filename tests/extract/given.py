"""Tags as extraction would find them, for tests of what is made of them."""

from collections.abc import Mapping

from worker.extract.lookup import SIDECAR
from worker.model import Tag, TagValue

PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Test">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""

NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "dc": "http://purl.org/dc/elements/1.1/",
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "xmpNote": "http://ns.adobe.com/xmp/note/",
    }.items()
)


def tags(values: Mapping[str, TagValue], *, sidecar: bool = False) -> dict[str, Tag]:
    """Tags of these values, by `Group:Name`."""
    return {name: _tag(name, value, sidecar=sidecar) for name, value in values.items()}


def _tag(name: str, value: TagValue, *, sidecar: bool) -> Tag:
    group, _, local = name.partition(":")
    kind = group.partition("-")[0].lower() if group.startswith(("XMP", "IPTC")) else "ASCII"
    return Tag(local, SIDECAR if sidecar else kind, value, str(value))


def packet(attributes: str = "", elements: str = "") -> bytes:
    """An XMP packet in UTF-8 with these attributes and elements in its one rdf:Description."""
    return PACKET.format(attributes=f"{NAMESPACES} {attributes}", elements=elements).encode()
