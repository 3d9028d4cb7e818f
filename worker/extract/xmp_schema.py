"""What the well-known XMP schemas are called and what types they declare.

Namespaces and types follow ISO 16684-1, the XMP Specification Part 2, Exif in XMP (CIPA DC-010), IPTC Photo
Metadata, and the vendors' own pages; the prefixes are those of ExifTool's family-1 groups (`XMP-iptcCore`).
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from worker.model import TagValue

Kind = Literal["text", "integer", "number", "numbers", "boolean"]

_SYNTAX = ("rdf", "xml", "xmlns")
MAX_NAME = 200
"""A property whose name is longer is not kept: it could only bloat a document."""


@dataclass(slots=True)  # read far more often than made: a named tuple takes five times as long to read
class Name:
    """What a qualified name of a packet stands for."""

    id: str
    """`dc:title`"""
    key: str
    """`XMP-dc:title`"""
    local: str
    kind: Kind
    is_array: bool
    """Declared as a bag or sequence: stays a list also where a file gives one plain value."""
    is_syntax: bool
    """Belongs to XML or RDF, not to a schema."""
    is_single: bool
    """Is one value, under a name that is kept."""


def name_of(prefix: str, local: str) -> Name:
    """The name of a property under the prefix that is standard for its namespace, or the file's own."""
    plain = f"{prefix}:{local}"
    key, is_array = f"XMP-{plain}", plain in ARRAYS
    is_single = not is_array and len(key) <= MAX_NAME
    return Name(plain, key, local, KINDS.get(plain, "text"), is_array, prefix in _SYNTAX, is_single)


def standard_prefix(uri: str) -> str | None:
    """The prefix of a well-known namespace, whatever a file calls it."""
    return PREFIXES.get(_canonical(uri)) if len(uri) <= _LONGEST_NAMESPACE else None


def own_prefix(prefix: str) -> str:
    """The prefix of any other namespace: what the file calls it, in plain characters."""
    return ALIASES.get(prefix) or _NOT_IN_PREFIX.sub("_", prefix) or "ns"


_NOT_IN_PREFIX = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAMESPACE = 200
"""Characters that are looked at; the longest well-known one has 60."""


@lru_cache(maxsize=512)
def _canonical(uri: str) -> str:
    """The URI as the table has it: files differ in the scheme, in case and in a closing `/` or `#`."""
    return uri.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/#")


# --- values ------------------------------------------------------------------------------------------------


def typed(text: str, kind: Kind) -> TagValue:
    """The value of a simple property. Text that is not of the declared kind stays text: nothing is lost.

    Blank text is "", an undefined number (0/0) is None.
    """
    if kind == "text":
        return text if not text.isspace() else ""
    if kind == "numbers":
        return [_number(part) for part in text.split()]
    return (_one if len(text) <= _LONGEST_REMEMBERED else _one.__wrapped__)(text.strip(), kind)


_LONGEST_REMEMBERED = 40


@lru_cache(maxsize=2048)  # a program writes the same settings into every picture; bounded, as files choose the text
def _one(plain: str, kind: Kind) -> str | float | bool | None:
    """The truth value, integer or number that the text states."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(plain.lower(), plain)
    if kind == "integer":
        return int(plain) if _INTEGER.fullmatch(plain) else plain
    return _number(plain)


_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:e[+-]?[0-9]{1,3})?|inf(?:inity)?|nan)", re.IGNORECASE
)


def _number(text: str) -> str | float | None:
    """A decimal number or a rational (`1/125`); None for n/0, infinity and NaN; the text for what is no number."""
    top, slash, bottom = text.partition("/")
    if not _NUMBER.fullmatch(top) or (slash and not _NUMBER.fullmatch(bottom)):
        return text
    divisor = float(bottom) if slash else 1.0
    number = float(top) / divisor if divisor else math.inf
    return number if math.isfinite(number) else None


def printable(value: TagValue) -> str:
    """A value with parts as one line: items by comma, fields by name, a text in languages by its default."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join([item if item.__class__ is str else printable(item) for item in value])
    if isinstance(value, dict):
        if "x-default" in value:
            return printable(value["x-default"])
        return "; ".join([f"{name}: {printable(part)}" for name, part in value.items()])
    return "" if value is None else str(value)


# --- tables ------------------------------------------------------------------------------------------------


def _pairs(table: str) -> dict[str, str]:
    """Rows of `prefix uri`, by URI."""
    rows = (line.split() for line in table.strip().splitlines())
    return {_canonical(uri): prefix for prefix, uri in rows}


PREFIXES = _pairs("""
    rdf              http://www.w3.org/1999/02/22-rdf-syntax-ns#
    x                adobe:ns:meta/
    xml              http://www.w3.org/XML/1998/namespace
    dc               http://purl.org/dc/elements/1.1/
    dcterms          http://purl.org/dc/terms/
    xmp              http://ns.adobe.com/xap/1.0/
    xmpRights        http://ns.adobe.com/xap/1.0/rights/
    xmpMM            http://ns.adobe.com/xap/1.0/mm/
    xmpBJ            http://ns.adobe.com/xap/1.0/bj/
    xmpTPg           http://ns.adobe.com/xap/1.0/t/pg/
    xmpG             http://ns.adobe.com/xap/1.0/g/
    xmpGImg          http://ns.adobe.com/xap/1.0/g/img/
    xmpDM            http://ns.adobe.com/xmp/1.0/DynamicMedia/
    xmpNote          http://ns.adobe.com/xmp/note/
    xmpidq           http://ns.adobe.com/xmp/Identifier/qual/1.0/
    stDim            http://ns.adobe.com/xap/1.0/sType/Dimensions#
    stEvt            http://ns.adobe.com/xap/1.0/sType/ResourceEvent#
    stRef            http://ns.adobe.com/xap/1.0/sType/ResourceRef#
    stVer            http://ns.adobe.com/xap/1.0/sType/Version#
    stJob            http://ns.adobe.com/xap/1.0/sType/Job#
    stFnt            http://ns.adobe.com/xap/1.0/sType/Font#
    stMfs            http://ns.adobe.com/xap/1.0/sType/ManifestItem#
    stArea           http://ns.adobe.com/xmp/sType/Area#
    stCamera         http://ns.adobe.com/photoshop/1.0/camera-profile
    pdf              http://ns.adobe.com/pdf/1.3/
    pdfx             http://ns.adobe.com/pdfx/1.3/
    pdfaid           http://www.aiim.org/pdfa/ns/id/
    photoshop        http://ns.adobe.com/photoshop/1.0/
    crs              http://ns.adobe.com/camera-raw-settings/1.0/
    crd              http://ns.adobe.com/camera-raw-defaults/1.0/
    crss             http://ns.adobe.com/camera-raw-saved-settings/1.0/
    crlcp            http://ns.adobe.com/camera-raw-embedded-lens-profile/1.0/
    lcp              http://ns.adobe.com/photoshop/1.0/camera-profile/lcp
    aux              http://ns.adobe.com/exif/1.0/aux/
    exif             http://ns.adobe.com/exif/1.0/
    exifEX           http://cipa.jp/exif/1.0/
    tiff             http://ns.adobe.com/tiff/1.0/
    lr               http://ns.adobe.com/lightroom/1.0/
    album            http://ns.adobe.com/album/1.0/
    creatorAtom      http://ns.adobe.com/creatorAtom/1.0/
    hdrgm            http://ns.adobe.com/hdr-gain-map/1.0/
    panorama         http://ns.adobe.com/photoshop/1.0/panorama-profile
    iptcCore         http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/
    iptcExt          http://iptc.org/std/Iptc4xmpExt/2008-02-29/
    plus             http://ns.useplus.org/ldf/xmp/1.0/
    cc               http://creativecommons.org/ns#
    prism            http://prismstandard.org/namespaces/basic/2.0/
    dwc              http://rs.tdwg.org/dwc/index.htm
    mwg-rs           http://www.metadataworkinggroup.com/schemas/regions/
    mwg-kw           http://www.metadataworkinggroup.com/schemas/keywords/
    mwg-coll         http://www.metadataworkinggroup.com/schemas/collections/
    microsoft        http://ns.microsoft.com/photo/1.0/
    microsoft        http://ns.microsoft.com/photo/1.0
    MP               http://ns.microsoft.com/photo/1.2/
    MPRI             http://ns.microsoft.com/photo/1.2/t/RegionInfo#
    MPReg            http://ns.microsoft.com/photo/1.2/t/Region#
    expressionmedia  http://ns.microsoft.com/expressionmedia/1.0/
    mediapro         http://ns.iview-multimedia.com/mediapro/1.0/
    acdsee           http://ns.acdsee.com/iptc/1.0/
    acdsee-rs        http://ns.acdsee.com/regions/
    digiKam          http://www.digikam.org/ns/1.0/
    darktable        http://darktable.sf.net/
    GIMP             http://www.gimp.org/xmp/
    photomech        http://ns.camerabits.com/photomechanic/1.0/
    getty            http://xmp.gettyimages.com/gift/1.0/
    xmpPLUS          http://ns.adobe.com/xap/1.0/PLUS/
    ics              http://ns.idimager.com/ics/1.0/
    extensis         http://ns.extensis.com/extensis/1.0/
    fpv              http://ns.fastpictureviewer.com/fpv/1.0/
    nine             http://ns.nikon.com/nine/1.0/
    sdc              http://ns.nikon.com/sdc/1.0/
    asteroid         http://ns.nikon.com/asteroid/1.0/
    apple-fi         http://ns.apple.com/faceinfo/1.0/
    apdi             http://ns.apple.com/pixeldatainfo/1.0/
    HDRGainMap       http://ns.apple.com/HDRGainMap/1.0/
    depthData        http://ns.apple.com/depthData/1.0/
    depthBlurEffect  http://ns.apple.com/depthBlurEffect/1.0/
    portraitEffectsMatte        http://ns.apple.com/portraitEffectsMatte/1.0/
    semanticSegmentationMatte   http://ns.apple.com/semanticSegmentationMatte/1.0/
    GAudio           http://ns.google.com/photos/1.0/audio/
    GCamera          http://ns.google.com/photos/1.0/camera/
    GContainer       http://ns.google.com/photos/1.0/container/
    Item             http://ns.google.com/photos/1.0/container/item/
    GCreations       http://ns.google.com/photos/1.0/creations/
    GDepth           http://ns.google.com/photos/1.0/depthmap/
    GFocus           http://ns.google.com/photos/1.0/focus/
    GImage           http://ns.google.com/photos/1.0/image/
    GPano            http://ns.google.com/photos/1.0/panorama/
    GSpherical       http://ns.google.com/videos/1.0/spherical/
    Device           http://ns.google.com/photos/dd/1.0/device/
    drone-dji        http://www.dji.com/drone-dji/1.0/
    drone-parrot     http://www.parrot.com/drone-parrot/1.0/
    drone-skydio     https://www.skydio.com/drone-skydio/1.0/
    Camera           http://pix4d.com/camera/1.0/
    FLIR             http://ns.flir.com/xmp/1.0/
    LImage           http://ns.leiainc.com/photos/1.0/image/
""")
"""Canonical namespace URI to standard prefix."""

ALIASES = {
    "xap": "xmp",
    "xapMM": "xmpMM",
    "xapRights": "xmpRights",
    "xapBJ": "xmpBJ",
    "Iptc4xmpCore": "iptcCore",
    "Iptc4xmpExt": "iptcExt",
    "MicrosoftPhoto": "microsoft",
    "Container": "GContainer",
}
"""What some files call the standard prefixes, where the namespace itself says nothing."""


def _ids(table: str) -> list[str]:
    """Rows of `prefix: local local ...`, as `prefix:local` names."""
    rows = (line.split(":", 1) for line in table.strip().splitlines())
    return [f"{prefix.strip()}:{local}" for prefix, locals_ in rows for local in locals_.split()]


_INTEGER_PROPERTIES = """
    tiff: ImageWidth ImageLength BitsPerSample Compression PhotometricInterpretation Orientation SamplesPerPixel
    tiff: PlanarConfiguration YCbCrSubSampling YCbCrPositioning ResolutionUnit
    exif: ColorSpace ComponentsConfiguration PixelXDimension PixelYDimension ExposureProgram ISOSpeedRatings
    exif: MeteringMode LightSource FocalPlaneResolutionUnit SensingMethod FileSource SceneType CustomRendered
    exif: ExposureMode WhiteBalance FocalLengthIn35mmFilm SceneCaptureType GainControl Contrast Saturation
    exif: Sharpness SubjectDistanceRange SubjectArea SubjectLocation GPSAltitudeRef GPSDifferential
    exif: Mode Return Columns Rows SensitivityType RecommendedExposureIndex CompositeImage
    exifEX: PhotographicSensitivity SensitivityType StandardOutputSensitivity RecommendedExposureIndex ISOSpeed
    exifEX: ISOSpeedLatitudeyyy ISOSpeedLatitudezzz CompositeImage
    photoshop: ColorMode Urgency
    GPano: FullPanoWidthPixels FullPanoHeightPixels CroppedAreaLeftPixels CroppedAreaTopPixels
    GPano: CroppedAreaImageWidthPixels CroppedAreaImageHeightPixels SourcePhotosCount
    GCamera: MotionPhoto MotionPhotoVersion MicroVideo MicroVideoVersion MicroVideoOffset
    GCamera: MotionPhotoPresentationTimestampUs MicroVideoPresentationTimestampUs
    drone-dji: RtkFlag CamReverse GimbalReverse
    Item: Length Padding
"""

_NUMBER_PROPERTIES = """
    tiff: XResolution YResolution WhitePoint PrimaryChromaticities YCbCrCoefficients ReferenceBlackWhite
    exif: CompressedBitsPerPixel ExposureTime FNumber ShutterSpeedValue ApertureValue BrightnessValue
    exif: ExposureBiasValue MaxApertureValue SubjectDistance FocalLength FlashEnergy FocalPlaneXResolution
    exif: FocalPlaneYResolution ExposureIndex DigitalZoomRatio Gamma GPSAltitude GPSDOP GPSSpeed GPSTrack
    exif: GPSImgDirection GPSDestBearing GPSDestDistance GPSHPositioningError
    exifEX: Gamma CameraElevationAngle LensSpecification
    aux: ApproximateFocusDistance FlashCompensation
    xmp: Rating
    microsoft: Rating
    stDim: w h
    stArea: x y w h d
    GPano: PoseHeadingDegrees PosePitchDegrees PoseRollDegrees InitialViewHeadingDegrees InitialViewPitchDegrees
    GPano: InitialViewRollDegrees InitialHorizontalFOVDegrees InitialVerticalFOVDegrees InitialCameraDolly
    drone-dji: AbsoluteAltitude RelativeAltitude GimbalRollDegree GimbalYawDegree GimbalPitchDegree
    drone-dji: FlightRollDegree FlightYawDegree FlightPitchDegree FlightXSpeed FlightYSpeed FlightZSpeed
    drone-dji: GpsLatitude GpsLongitude GpsLongtitude GPSLatitude GPSLongitude GPSLongtitude Latitude Longitude
    drone-dji: CalibratedFocalLength CalibratedOpticalCenterX CalibratedOpticalCenterY RtkStdLon RtkStdLat
    drone-dji: RtkStdHgt
    drone: AbsoluteAltitude RelativeAltitude GimbalRollDegree GimbalYawDegree GimbalPitchDegree
    drone: FlightRollDegree FlightYawDegree FlightPitchDegree GpsLatitude GpsLongitude
    drone-parrot: CameraRollDegree CameraPitchDegree CameraYawDegree DroneRollDegree DronePitchDegree
    drone-parrot: DroneYawDegree
    drone-skydio: AbsoluteAltitude RelativeAltitude Latitude Longitude Yaw Pitch Roll
    Camera: Yaw Pitch Roll GPSXYAccuracy GPSZAccuracy
    FLIR: MAVYaw MAVPitch MAVRoll MAVYawRate MAVPitchRate MAVRollRate MAVRelativeAltitude MAVRateOfClimb
"""

_BOOLEAN_PROPERTIES = """
    exif: Fired Function RedEyeMode
    xmpRights: Marked
    crs: AlreadyApplied HasSettings HasCrop
    aux: DistortionCorrectionAlreadyApplied LateralChromaticAberrationCorrectionAlreadyApplied
    aux: VignetteCorrectionAlreadyApplied IsMergedHDR IsMergedPanorama
    hdrgm: BaseRenditionIsHDR
    GPano: UsePanoramaViewer ExposureLockUsed
"""

KINDS: dict[str, Kind] = {
    **dict.fromkeys(_ids(_INTEGER_PROPERTIES), "integer"),
    **dict.fromkeys(_ids(_NUMBER_PROPERTIES), "number"),
    **dict.fromkeys(_ids(_BOOLEAN_PROPERTIES), "boolean"),
    "aux:LensInfo": "numbers",
}
"""Types by property; one that is not here is text, and is never guessed to be a number."""

ARRAYS = frozenset(
    _ids("""
    dc: contributor creator date language publisher relation subject type
    xmp: Identifier
    xmpRights: Owner
    photoshop: SupplementalCategories
    lr: hierarchicalSubject weightedFlatSubject
    digiKam: TagsList
    microsoft: LastKeywordXMP LastKeywordIPTC
    mediapro: CatalogSets
    iptcCore: Scene SubjectCode
    iptcExt: PersonInImage OrganisationInImageName OrganisationInImageCode
""")
)
