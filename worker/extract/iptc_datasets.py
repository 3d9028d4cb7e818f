"""The IIM datasets that photographs carry: their names, which repeat, and which are numbers.

Names are ExifTool's; numbers and repeatability are those of IPTC-NAA IIM 4.2.
"""

from dataclasses import dataclass
from typing import Literal

Form = Literal["text", "number", "date", "time", "binary"]

_DATES = frozenset({"DateSent", "ReleaseDate", "ExpirationDate", "ReferenceDate", "DateCreated", "DigitalCreationDate"})
_TIMES = frozenset({"TimeSent", "ReleaseTime", "ExpirationTime", "TimeCreated", "DigitalCreationTime"})
_BINARY = frozenset({"RasterizedCaption", "ObjectPreviewData", "CodedCharacterSet", "ARMIdentifier"})

_FORMS: dict[str, Form] = {
    **dict.fromkeys(_DATES, "date"),
    **dict.fromkeys(_TIMES, "time"),
    **dict.fromkeys(_BINARY, "binary"),
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a record and dataset number stand for."""

    key: str
    """`IPTC:Keywords`"""
    id: str
    """`2:25`"""
    form: Form
    repeats: bool


def _table(record: int, rows: str) -> dict[tuple[int, int], Dataset]:
    """Rows of `number name`, with `*` behind the name of one that repeats and `#` behind that of a number."""
    table = {}
    for row in rows.strip().splitlines():
        number, marked = row.split()
        name = marked.rstrip("*#")
        form = "number" if "#" in marked else _FORMS.get(name, "text")
        table[record, int(number)] = Dataset(f"IPTC:{name}", f"{record}:{number}", form, "*" in marked)
    return table


CHARACTER_SET = (1, 90)

DATASETS = {
    **_table(
        1,
        """
        0   EnvelopeRecordVersion#
        5   Destination*
        20  FileFormat#
        22  FileVersion#
        30  ServiceIdentifier
        40  EnvelopeNumber
        50  ProductID*
        60  EnvelopePriority
        70  DateSent
        80  TimeSent
        90  CodedCharacterSet
        100 UniqueObjectName
        120 ARMIdentifier#
        122 ARMVersion#
        """,
    ),
    **_table(
        2,
        """
        0   ApplicationRecordVersion#
        3   ObjectTypeReference
        4   ObjectAttributeReference*
        5   ObjectName
        7   EditStatus
        8   EditorialUpdate
        10  Urgency
        12  SubjectReference*
        15  Category
        20  SupplementalCategories*
        22  FixtureIdentifier
        25  Keywords*
        26  ContentLocationCode*
        27  ContentLocationName*
        30  ReleaseDate
        35  ReleaseTime
        37  ExpirationDate
        38  ExpirationTime
        40  SpecialInstructions
        42  ActionAdvised
        45  ReferenceService*
        47  ReferenceDate*
        50  ReferenceNumber*
        55  DateCreated
        60  TimeCreated
        62  DigitalCreationDate
        63  DigitalCreationTime
        65  OriginatingProgram
        70  ProgramVersion
        75  ObjectCycle
        80  By-line*
        85  By-lineTitle*
        90  City
        92  Sub-location
        95  Province-State
        100 Country-PrimaryLocationCode
        101 Country-PrimaryLocationName
        103 OriginalTransmissionReference
        105 Headline
        110 Credit
        115 Source
        116 CopyrightNotice
        118 Contact*
        120 Caption-Abstract
        121 LocalCaption
        122 Writer-Editor*
        125 RasterizedCaption
        130 ImageType
        131 ImageOrientation
        135 LanguageIdentifier
        150 AudioType
        151 AudioSamplingRate
        152 AudioSamplingResolution
        153 AudioDuration
        154 AudioOutcue
        184 JobID
        185 MasterDocumentID
        186 ShortDocumentID
        187 UniqueDocumentID
        188 OwnerID
        200 ObjectPreviewFileFormat#
        201 ObjectPreviewFileVersion#
        202 ObjectPreviewData
        221 Prefs
        225 ClassifyState
        228 SimilarityIndex
        230 DocumentNotes
        231 DocumentHistory
        232 ExifCameraInfo
        255 CatalogSets*
        """,
    ),
    **_table(3, "0 NewsPhotoVersion#\n10 IPTCPictureNumber\n20 IPTCImageWidth#\n30 IPTCImageHeight#"),
    **_table(7, "10 SizeMode#\n20 MaxSubfileSize#\n90 ObjectSizeAnnounced#\n95 MaximumObjectSize#"),
}

ESCAPES = {
    escape + final: codec
    for escape in (b"\x1b-", b"\x1b.", b"\x1b/")
    for final, codec in {
        b"A": "cp1252",
        b"B": "iso8859-2",
        b"C": "iso8859-3",
        b"D": "iso8859-4",
        b"F": "iso8859-7",
        b"G": "iso8859-6",
        b"H": "iso8859-8",
        b"L": "iso8859-5",
        b"M": "iso8859-9",
        b"T": "iso8859-11",
        b"V": "iso8859-10",
        b"Y": "iso8859-13",
        b"_": "iso8859-14",
        b"b": "iso8859-15",
        b"f": "iso8859-16",
    }.items()
}
"""1:90 names a registered character set by the escape sequence of ISO 2022. UTF-8 (ESC % G) needs no row here.

Writers that declare ISO 8859-1 fill its control characters with Windows-1252's quotes and dashes.
"""
