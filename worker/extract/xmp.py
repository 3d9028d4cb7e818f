"""XMP packets to tags.

Every packet of a file is read, and the first that states a property wins. Extended XMP is joined only where the
main packet names its GUID. Simple values stay text unless their schema declares another type.
"""

from collections.abc import Iterable, Sequence

from worker.extract import rdf, xml_tree
from worker.extract.budget import Budget
from worker.extract.parts import ExtendedXmp
from worker.extract.xml_tree import RefusedXml
from worker.model import Block, BlockStatus, Limits, Tag

Tags = dict[str, Tag]

MAX_EXTENDED = 1024 * 1024
"""A larger Extended XMP holds depth maps and pictures; its GUID and length are recorded in its place."""
_ABSENT = Block(BlockStatus.ABSENT)
_GUID_KEY = "XMP-xmpNote:HasExtendedXMP"


def read(
    packets: Sequence[bytes], extended: Sequence[ExtendedXmp], limits: Limits, budget: Budget
) -> tuple[Tags, Block]:
    """The tags of all packets of one file, and how reading went.

    Raises nothing but Spent. A property that was not read whole is left out, never cut.
    """
    if not (packets or extended):
        return {}, _ABSENT
    reading = _Reading(limits, budget)
    for packet in packets:
        reading.add(packet)
    if extended:
        reading.extend(extended)
    return reading.tags, reading.block()


class _Reading:
    """The tags and the damage gathered from the packets of one file."""

    def __init__(self, limits: Limits, budget: Budget) -> None:
        self.tags: Tags = {}
        self._limits = limits
        self._budget = budget
        self._bytes_left = limits.xmp_bytes
        self._packets_read = 0
        self._problems: list[str] = []

    def add(self, packet: bytes) -> None:
        """Read one packet; properties that are known already keep their value."""
        if not packet.strip(b"\0 \t\r\n"):
            return
        self._bytes_left -= len(packet)
        if self._bytes_left < 0:
            self._problems.append(f"too_large: more than {self._limits.xmp_bytes} bytes of XMP")
            return
        try:
            tree = xml_tree.parse(packet, self._budget)
        except RefusedXml as refused:
            self._problems.append(f"refused: {refused}")
            return
        found = rdf.properties(tree, self._limits.tag_bytes)
        if tree.damage:
            self._problems.append(f"ill_formed: {tree.damage}")
        elif found is None:
            self._problems.append("no_rdf: a packet without rdf:RDF")
        elif len(found) >= rdf.MAX_PROPERTIES:
            self._problems.append(f"too_many: more than {rdf.MAX_PROPERTIES} properties")
        if found is not None:
            self._packets_read += 1
            if not self.tags:
                self.tags = found
                return
            for name, tag in found.items():
                self.tags.setdefault(name, tag)

    def extend(self, chunks: Sequence[ExtendedXmp]) -> None:
        """Join the Extended XMP that the main packet names; any other is left from an earlier edit."""
        named = self.tags.get(_GUID_KEY)
        guid = str(named.value).strip().upper() if named else ""
        mine = [chunk for chunk in chunks if chunk.guid.upper() == guid]
        if not mine:
            self._problems.append("extended: no packet names the Extended XMP by its GUID")
        elif mine[0].total > MAX_EXTENDED:
            left_out = Tag("xmpNote:ExtendedXMP", "xmp", {"omitted": mine[0].total, "guid": guid}, "")
            self.tags["XMP-xmpNote:ExtendedXMP"] = left_out
        elif (packet := _joined(mine)) is None:
            self._problems.append("extended: a part of the Extended XMP is missing")
        else:
            self.add(packet)

    def block(self) -> Block:
        """ok if all was read, failed if nothing was, partial in between; absent if there was nothing to read."""
        if not self._problems:
            return Block(BlockStatus.OK if self._packets_read else BlockStatus.ABSENT)
        return Block(BlockStatus.PARTIAL if self.tags else BlockStatus.FAILED, self._problems[0])


def _joined(chunks: Iterable[ExtendedXmp]) -> bytes | None:
    """The whole Extended XMP, or None where a chunk is missing."""
    whole = bytearray()
    total = 0
    for chunk in sorted(chunks, key=lambda chunk: chunk.offset):
        total = chunk.total
        if chunk.offset > len(whole):
            return None
        whole[chunk.offset : chunk.offset + len(chunk.data)] = chunk.data
    return bytes(whole[:total]) if len(whole) >= total else None
