"""Tag tables of the TIFF block: exifread's, with their printable texts, under ExifTool's spelling of the names.

ExifTool's names (https://exiftool.org/TagNames/EXIF.html) are the ones that people look up and that the other
blocks (XMP, IPTC) use here too. exifread calls some tags by the standard's name (DateTimeDigitized, CreateDate
in ExifTool) and lacks others; both are mended here, once, at import.
"""

from collections.abc import Callable, Mapping
from typing import Any

from exifread.tags.exif import EXIF_TAGS, GPS_TAGS, INTEROP_TAGS

Rule = dict[int, str] | Callable[[Any], str] | None
"""How a value becomes text: a table of codes, exifread's own function, or just `str`."""
Known = tuple[str, Rule]
"""A tag's name, and its rule."""


class Table(dict[int, Known]):
    """Tags by number. Made once, at import; hashable by identity, so that what is known of its tags can be kept."""

    __hash__ = object.__hash__  # type: ignore[assignment] # a dict has none, as it may change: this one does not


_EXIF_NAMES = {
    0x000B: "ProcessingSoftware",
    0x0101: "ImageHeight",
    0x0132: "ModifyDate",
    0x0203: "JPEGRestartInterval",
    0x0205: "JPEGLosslessPredictors",
    0x0206: "JPEGPointTransforms",
    0x0207: "JPEGQTables",
    0x0208: "JPEGDCTables",
    0x0209: "JPEGACTables",
    0x4749: "RatingPercent",
    0x80E4: "DataType",
    0x80E5: "ImageDepth",
    0x80E6: "TileDepth",
    0x8216: "TextureFormat",
    0x8217: "WrapModes",
    0x8218: "FovCot",
    0x828E: "CFAPattern2",
    0x830E: "PixelScale",
    0x83BB: "IPTC-NAA",
    0x8482: "ModelTiePoint",
    0x85D8: "ModelTransform",
    0x8649: "PhotoshopSettings",
    0x8773: "ICC_Profile",
    0x87AF: "GeoTiffDirectory",
    0x87B0: "GeoTiffDoubleParams",
    0x87B1: "GeoTiffAsciiParams",
    0x8827: "ISO",
    0x8828: "Opto-ElectricConvFactor",
    0x8831: "StandardOutputSensitivity",
    0x8834: "ISOSpeedLatitudeyyy",
    0x8835: "ISOSpeedLatitudezzz",
    0x9004: "CreateDate",
    0x9204: "ExposureCompensation",
    0x9216: "TIFF-EPStandardID",
    0x923F: "StoNits",
    0x935C: "ImageSourceData",
    0x9400: "AmbientTemperature",
    0x9401: "Humidity",
    0x9402: "Pressure",
    0x9403: "WaterDepth",
    0x9404: "Acceleration",
    0x9405: "CameraElevationAngle",
    0x9A00: "XiaomiModel",
    0xA000: "FlashpixVersion",
    0xA003: "ExifImageHeight",
    0xA005: "InteropOffset",
    0xA302: "CFAPattern",
    0xA405: "FocalLengthIn35mmFormat",
    0xA430: "OwnerName",
    0xA431: "SerialNumber",
    0xA432: "LensInfo",
    0xA436: "ImageTitle",
    0xA437: "Photographer",
    0xA438: "ImageEditor",
    0xA439: "CameraFirmware",
    0xA43A: "RAWDevelopingSoftware",
    0xA43B: "ImageEditingSoftware",
    0xA43C: "MetadataEditingSoftware",
    0xA460: "CompositeImage",
    0xA461: "CompositeImageCount",
    0xA462: "CompositeImageExposureTimes",
    0xA480: "GDALMetadata",
    0xA481: "GDALNoData",
    0xBC01: "PixelFormat",
    0xBC02: "Transformation",
    0xBC80: "ImageWidth",
    0xBC81: "ImageHeight",
    0xBC82: "WidthResolution",
    0xBC83: "HeightResolution",
    0xBCC0: "ImageOffset",
    0xBCC1: "ImageByteCount",
    0xC612: "DNGVersion",
    0xC613: "DNGBackwardVersion",
    0xC614: "UniqueCameraModel",
    0xC615: "LocalizedCameraModel",
    0xC616: "CFAPlaneColor",
    0xC617: "CFALayout",
    0xC618: "LinearizationTable",
    0xC619: "BlackLevelRepeatDim",
    0xC61B: "BlackLevelDeltaH",
    0xC61C: "BlackLevelDeltaV",
    0xC61D: "WhiteLevel",
    0xC61E: "DefaultScale",
    0xC61F: "DefaultCropOrigin",
    0xC620: "DefaultCropSize",
    0xC621: "ColorMatrix1",
    0xC622: "ColorMatrix2",
    0xC623: "CameraCalibration1",
    0xC624: "CameraCalibration2",
    0xC627: "AnalogBalance",
    0xC628: "AsShotNeutral",
    0xC629: "AsShotWhiteXY",
    0xC62A: "BaselineExposure",
    0xC62B: "BaselineNoise",
    0xC62C: "BaselineSharpness",
    0xC62D: "BayerGreenSplit",
    0xC62E: "LinearResponseLimit",
    0xC62F: "CameraSerialNumber",
    0xC630: "DNGLensInfo",
    0xC631: "ChromaBlurRadius",
    0xC632: "AntiAliasStrength",
    0xC633: "ShadowScale",
    0xC634: "DNGPrivateData",
    0xC65A: "CalibrationIlluminant1",
    0xC65B: "CalibrationIlluminant2",
    0xC65C: "BestQualityScale",
    0xC65D: "RawDataUniqueID",
    0xC68B: "OriginalRawFileName",
    0xC68D: "ActiveArea",
    0xC68E: "MaskedAreas",
    0xC6F3: "CameraCalibrationSig",
    0xC6F4: "ProfileCalibrationSig",
    0xC6F6: "AsShotProfileName",
    0xC6F7: "NoiseReductionApplied",
    0xC6F8: "ProfileName",
    0xC6F9: "ProfileHueSatMapDims",
    0xC6FC: "ProfileToneCurve",
    0xC6FD: "ProfileEmbedPolicy",
    0xC6FE: "ProfileCopyright",
    0xC714: "ForwardMatrix1",
    0xC715: "ForwardMatrix2",
    0xC716: "PreviewApplicationName",
    0xC717: "PreviewApplicationVersion",
    0xC718: "PreviewSettingsName",
    0xC719: "PreviewSettingsDigest",
    0xC71A: "PreviewColorSpace",
    0xC71B: "PreviewDateTime",
    0xC71C: "RawImageDigest",
    0xC725: "ProfileLookTableDims",
    0xC761: "NoiseProfile",
    0xC7A7: "NewRawImageDigest",
    0xC7B5: "DefaultUserCrop",
}

_INTEROP_NAMES = {0x0001: "InteropIndex", 0x0002: "InteropVersion", 0x1002: "RelatedImageHeight"}

_GPS_NAMES = {0x001D: "GPSDateStamp", 0x001F: "GPSHPositioningError"}

_RULES: Mapping[int, Rule] = {
    0xA460: {
        0: "Unknown",
        1: "Not a composite image",
        2: "General composite image",
        3: "Composite image captured while shooting",
    },
}


def _renamed(theirs: Mapping[int, Any], names: Mapping[int, str]) -> Table:
    """exifread's table under our names; its pointers to other tables lose their rule, we follow them by id."""
    ours: dict[int, Known] = {tag: (name, _RULES.get(tag)) for tag, name in names.items()}
    return Table(ours | {tag: (names.get(tag, name), _rule(rule)) for tag, (name, rule) in theirs.items()})


def _rule(rule: Any) -> Rule:
    return None if isinstance(rule, tuple) else rule


EXIF: Table = _renamed(EXIF_TAGS, _EXIF_NAMES)
GPS: Table = _renamed(GPS_TAGS, _GPS_NAMES)
INTEROP: Table = _renamed(INTEROP_TAGS, _INTEROP_NAMES)
