"""When a picture was taken: which clock counts, what its offset from UTC is, and how far to trust both.

A wall clock without an offset stays one: nothing here takes a local time for UTC. The order of clocks and the rules
for offsets are the tables below; docs/dates.md explains them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from worker.extract.clock import Clock, minutes_of, offset_in, offset_of, parse
from worker.extract.lookup import SIDECAR, Tags, as_number, number_of, text_of
from worker.model import CaptureTime, TagValue, Taken

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)  # looked at for every picture: a named tuple is slower to read
class _Source:
    """A tag that holds a clock's reading, and the tags that complete it."""

    name: str
    confidence: Confidence
    offset: str = ""
    subseconds: str = ""
    time: str = ""


_SIDECAR_SOURCES = (
    _Source("XMP-exif:DateTimeOriginal", "high"),
    _Source("XMP-photoshop:DateCreated", "high"),
)
"""What a person set in a sidecar outranks what the camera wrote."""

_SOURCES = (
    _Source("ExifIFD:DateTimeOriginal", "high", "ExifIFD:OffsetTimeOriginal", "ExifIFD:SubSecTimeOriginal"),
    _Source("ExifIFD:CreateDate", "medium", "ExifIFD:OffsetTimeDigitized", "ExifIFD:SubSecTimeDigitized"),
    _Source("XMP-exif:DateTimeOriginal", "high"),
    _Source("XMP-photoshop:DateCreated", "medium"),
    _Source("XMP-exif:DateTimeDigitized", "medium"),
    _Source("XMP-xmp:CreateDate", "medium"),
    _Source("IPTC:DateCreated", "medium", time="IPTC:TimeCreated"),
    _Source("IPTC:DigitalCreationDate", "medium", time="IPTC:DigitalCreationTime"),
)
"""Clocks at capture or digitisation, best first."""

_CHANGES = (
    _Source("IFD0:ModifyDate", "low", "ExifIFD:OffsetTime", "ExifIFD:SubSecTime"),
    _Source("XMP-xmp:ModifyDate", "low"),
)
"""Clocks of the last change: the picture is at least as old. Asked only where there is no other."""

_OTHER_OFFSETS = ("ExifIFD:OffsetTimeOriginal", "ExifIFD:OffsetTime", "ExifIFD:OffsetTimeDigitized")
_TIFF_EP_OFFSET = "ExifIFD:TimeZoneOffset"
_ZONE, _SAVING = "MakerNotes:TimeZone", "MakerNotes:DaylightSavings"

_RESETS = {datetime(year, 1, 1) for year in (1970, 1980, 2000)}  # noqa: DTZ001 -- wall clocks
"""What a clock shows whose battery was out."""

_SAME_CLOCK = timedelta(seconds=2)
_MINUTE = timedelta(minutes=1)
_SAME_MOMENT = timedelta(minutes=10)
"""Fixes of a GPS receiver may be minutes old without being wrong."""
_FIX_AGE = timedelta(minutes=3)
"""How far a GPS time may be from a zone's clock for the zone to be told from it."""
_ZONES = frozenset(
    [60 * hour for hour in range(-12, 15)] + [-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825]
)
"""Offsets in use, in minutes: whole hours, and the half and quarter hours that some place keeps."""
_MOST_ALTERNATIVES = 8


class _Reading(NamedTuple):
    source: str
    clock: Clock
    confidence: Confidence

    def told(self) -> CaptureTime:
        return CaptureTime(self.source, self.clock.local, self.clock.offset)


def taken(tags: Tags) -> Taken | None:
    """When the picture was taken, by the best clock there is; None without any."""
    gps = _gps(tags)
    readings = _readings(tags, _edited(tags)) + _readings(tags, _SOURCES)
    if not readings:
        readings = [gps] if gps else _readings(tags, _CHANGES)
    if not readings:
        return None
    best = readings[0]
    clock, confidence = best.clock, best.confidence
    if clock.offset is None and clock.has_time and (offset := _borrowed_offset(tags, readings, gps)):
        clock = clock._replace(offset=offset)
        confidence = "medium" if confidence == "high" else confidence
    if clock.moment in _RESETS and clock.has_time:
        confidence = "low"
    return Taken(
        local=clock.local,
        source=best.source,
        precision=clock.precision,
        confidence=confidence,
        offset=clock.offset,
        utc=clock.utc,
        alternatives=_alternatives(clock, readings[1:], gps),
    )


# --- readings ----------------------------------------------------------------------------------------------


def _readings(tags: Tags, sources: Sequence[_Source]) -> list[_Reading]:
    """The readings there are, best first."""
    return [
        _Reading(source.name, clock, source.confidence)
        for source in sources
        if source.name in tags and (clock := _clock(tags, source))
    ]


def _edited(tags: Tags) -> Sequence[_Source]:
    """The sources that a person has set in a sidecar."""
    return [source for source in _SIDECAR_SOURCES if source.name in tags and tags[source.name].type == SIDECAR]


def _clock(tags: Tags, source: _Source) -> Clock | None:
    text = text_of(tags, source.name)
    if text is None:
        return None
    if source.time:
        return _iptc_clock(text, text_of(tags, source.time))
    clock = parse(text, (text_of(tags, source.subseconds) or "") if source.subseconds else "")
    if clock and source.offset and clock.has_time and clock.offset is None and source.offset in tags:
        clock = clock._replace(offset=offset_in(text_of(tags, source.offset) or ""))
    return clock


def _iptc_clock(date: str, time: str | None) -> Clock | None:
    """IIM makes an offset obligatory, so writers that know none put +0000: that one is not believed.

    Midnight at +0000 is what they put who know no time either.
    """
    if time == "00:00:00+00:00":
        return parse(date)
    clock = parse(f"{date}T{time}" if time else date) or parse(date)
    return clock._replace(offset=None) if clock and clock.offset == "+00:00" else clock


def _gps(tags: Tags) -> _Reading | None:
    """The receiver's time, which is UTC."""
    date, time = text_of(tags, "GPS:GPSDateStamp"), tags.get("GPS:GPSTimeStamp")
    if date and time:
        text, source = f"{date[:10]} {_time_of_day(time.value)}", "GPS:GPSDateStamp"
    else:
        text, source = text_of(tags, "XMP-exif:GPSTimeStamp") or "", "XMP-exif:GPSTimeStamp"
    clock = parse(text) if text else None
    if clock is None or not clock.has_time:
        return None
    return _Reading(source, clock if clock.offset else clock._replace(offset="+00:00"), "medium")


def _time_of_day(value: TagValue) -> str:
    """`hh:mm:ss` from the three numbers of GPSTimeStamp; text as it is."""
    if not isinstance(value, list) or len(value) != 3:
        return str(value)
    parts = [as_number(part) for part in value]
    if any(part is None or part < 0 for part in parts):
        return ""
    hours, minutes, seconds = (int(part or 0) for part in parts)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"


# --- offsets -----------------------------------------------------------------------------------------------


def _borrowed_offset(tags: Tags, readings: Sequence[_Reading], gps: _Reading | None) -> str | None:
    """An offset for the best clock from elsewhere in the file, the most telling first."""
    best = readings[0]
    if best.source.startswith(("ExifIFD:", "IFD0:")):
        for name in _OTHER_OFFSETS:
            if name in tags and (offset := offset_in(text_of(tags, name) or "")):
                return offset
    for reading in readings[1:]:
        if reading.clock.offset and _agree(best.clock, reading.clock):
            return reading.clock.offset
    return _tiff_ep_offset(tags) or _makers_offset(tags) or (_offset_by_gps(best.clock, gps) if gps else None)


def _tiff_ep_offset(tags: Tags) -> str | None:
    """TIFF/EP's whole hours, the first of them for DateTimeOriginal."""
    hours = number_of(tags, _TIFF_EP_OFFSET)
    return None if hours is None or abs(hours) > 24 else offset_of(int(hours) * 60)


def _makers_offset(tags: Tags) -> str | None:
    """The zone that the camera was set to, in minutes; Nikon alone does not count daylight saving in."""
    minutes = number_of(tags, _ZONE)
    if minutes is None or abs(minutes) > 24 * 60:
        return None
    nikon = (text_of(tags, "IFD0:Make") or "").upper().startswith("NIKON")
    saving = number_of(tags, _SAVING) if nikon else None
    return offset_of(int(minutes) + int(saving or 0))


def _offset_by_gps(clock: Clock, gps: _Reading) -> str | None:
    """The zone in use whose clock showed this when the receiver had that time; None if there is none."""
    ahead = clock.moment - (gps.clock.moment - timedelta(minutes=minutes_of(gps.clock.offset or "+00:00")))
    minutes = round(ahead / timedelta(minutes=15)) * 15
    if minutes in _ZONES and abs(ahead - timedelta(minutes=minutes)) <= _FIX_AGE:
        return offset_of(minutes)
    return None


# --- alternatives ------------------------------------------------------------------------------------------


def _agree(one: Clock, other: Clock) -> bool:
    """Whether two clocks show the same, as far as both are known, or the same moment by their offsets."""
    if one.local == other.local and one.offset == other.offset:
        return True
    if one.offset and other.offset and (a := one.utc) and (b := other.utc) and abs(a - b) <= _SAME_CLOCK:
        return True
    if one.has_time and other.has_time:
        apart = abs(one.moment - other.moment)
        return apart <= _SAME_CLOCK or (apart < _MINUTE and "minute" in (one.precision, other.precision))
    length = min(len(one.local), len(other.local))
    return one.local[:length] == other.local[:length]


def _alternatives(clock: Clock, others: Sequence[_Reading], gps: _Reading | None) -> tuple[CaptureTime, ...]:
    """The clocks that show something else; the receiver's only if it is far off, or fits no zone at all."""
    told: list[CaptureTime] = []
    seen: set[tuple[str, str | None]] = set()
    for reading in others:
        key = (reading.clock.local, reading.clock.offset)
        if key not in seen and not _agree(clock, reading.clock):
            seen.add(key)
            told.append(reading.told())
    if gps and (clock.utc is None or gps.clock.utc is None or abs(clock.utc - gps.clock.utc) > _SAME_MOMENT):
        told.append(gps.told())
    return tuple(told[:_MOST_ALTERNATIVES])
