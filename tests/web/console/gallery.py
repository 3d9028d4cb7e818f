"""Pictures as somebody's shelves hold them: drawn here, with cameras, lenses, places and dates that vary."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tests.samples.drawing import draw, encoded
from tests.samples.packets import Property, iptc, with_jpeg_metadata, xmp
from tests.samples.tiff import Entry, Ifd, exif, rational, raw, short, signed, text

CAMERAS = (
    ("Canon", "Canon EOS R6", ("RF24-105mm F4 L IS USM", "RF50mm F1.8 STM"), (24, 35, 50, 105), 9),
    ("Apple", "iPhone 15 Pro", ("iPhone 15 Pro back triple camera 6.765mm f/1.78",), (6.765,), 8),
    ("SONY", "ILCE-7M4", ("FE 24-70mm F2.8 GM II", "FE 70-200mm F2.8 GM OSS II"), (24, 35, 70, 135, 200), 6),
    ("FUJIFILM", "X-T5", ("XF33mmF1.4 R LM WR", "XF16-55mmF2.8 R LM WR"), (16, 33, 55), 5),
    ("NIKON CORPORATION", "NIKON Z 6_2", ("NIKKOR Z 50mm f/1.8 S",), (50,), 3),
    ("DJI", "FC3582", (), (6.7,), 3),
    ("Google", "Pixel 8", ("Pixel 8 back camera 6.9mm f/1.68",), (6.9,), 2),
)
PLACES = (
    ("alps", 46.5775, 7.985, 1900, 7),
    ("garda", 45.65, 10.7, 70, 5),
    ("kyoto", 35.0116, 135.7681, 50, 5),
    ("patagonia", -49.5761, -73.0, 600, 3),
    ("hamburg", 53.5511, 9.9937, 8, 4),
    ("iceland", 64.1466, -21.9426, 20, 3),
    ("california", 37.8651, -119.5383, 1200, 4),
    ("cape-town", -33.9249, 18.4241, 40, 2),
    ("lisbon", 38.7223, -9.1393, 30, 3),
    ("new-zealand", -44.6414, 167.8974, 10, 2),
)
_TITLES = (
    "Morning light",
    "After the rain",
    "The long way home",
    "Ridge and valley",
    "Blue hour",
    "Low tide",
    "First snow",
)
_FIRST = datetime(2022, 1, 3)  # noqa: DTZ001 -- a camera's clock has no zone


def hang(folder: Path, count: int = 300, seed: int = 1) -> None:
    """Write so many pictures under the folder, and a few that cannot be read."""
    chance = random.Random(seed)
    drawn = [encoded(draw(number, (720, 480)), "JPEG", quality=78) for number in range(24)]
    for number in range(count):
        name, data = _picture(chance, number, drawn)
        _write(folder / name, data)
    for name, data in _broken(drawn[0]):
        _write(folder / name, data)


def _picture(chance: random.Random, number: int, drawn: list[bytes]) -> tuple[str, bytes]:
    maker, model, lenses, lengths, _ = chance.choices(CAMERAS, [camera[-1] for camera in CAMERAS])[0]
    place, latitude, longitude, altitude, _ = chance.choices(PLACES, [place[-1] for place in PLACES])[0]
    month = chance.choice((0, 2, 4, 5, 6, 6, 7, 7, 8, 9, 11))
    taken = _FIRST + timedelta(days=365 * chance.randrange(3) + 30 * month + chance.randrange(28))
    taken += timedelta(hours=chance.choice((6, 7, 9, 10, 11, 14, 16, 17, 18, 19, 20)), seconds=chance.randrange(3600))
    shot: Ifd = {
        0x829A: rational(1 / chance.choice((15, 60, 125, 250, 500, 1000, 2000))),
        0x829D: rational(chance.choice((1.8, 2.8, 4, 5.6, 8, 11))),
        0x8827: short(chance.choice((50, 100, 100, 200, 400, 800, 1600, 3200))),
        0x9000: raw(b"0232"),
        0x9003: text(f"{taken:%Y:%m:%d %H:%M:%S}"),
        0x9011: text("+02:00"),
        0x9204: signed(chance.choice((0, 0, -0.33, 0.66))),
        0x920A: rational(chance.choice(lengths)),
    }
    if lenses:
        shot[0xA434] = text(chance.choice(lenses))
    gps = _gps(chance, latitude, longitude, altitude) if chance.random() < 0.8 else {}
    block = exif({0x010F: text(maker), 0x0110: text(model), 0x8298: text("CC0")}, shot, gps)
    words: dict[str, Property] = {"xmp:Rating": str(chance.choice((0, 3, 4, 5)))}
    told = (
        iptc([(5, chance.choice(_TITLES)), (25, place), (25, f"{taken:%B}".lower())]) if chance.random() < 0.6 else b""
    )
    name = f"{taken:%Y}/{place}/{'DSC' if maker != 'Apple' else 'IMG_'}{number:05}.jpg"
    return name, with_jpeg_metadata(drawn[number % len(drawn)], block, xmp(words), told)


def _gps(chance: random.Random, latitude: float, longitude: float, altitude: float) -> Ifd:
    latitude, longitude = latitude + chance.gauss(0, 0.25), longitude + chance.gauss(0, 0.35)
    return {
        0x00: Entry(1, b"\x02\x03\x00\x00"),
        0x01: text("N" if latitude >= 0 else "S"),
        0x02: rational(abs(latitude), 0, 0),
        0x03: text("E" if longitude >= 0 else "W"),
        0x04: rational(abs(longitude), 0, 0),
        0x05: Entry(1, b"\0"),
        0x06: rational(max(0.0, chance.gauss(altitude, 40))),
    }


def _broken(jpeg: bytes) -> Iterator[tuple[str, bytes]]:
    for number in range(9):
        yield f"inbox/upload-{number:02}.jpg", jpeg[:2] + bytes([0xFF, 0xE1, 0x7F, 0xFF]) + b"Exif\0\0"[: number % 6]
    for number in range(5):
        yield f"inbox/notes/note-{number}.jpg", f"Note {number}: not a picture at all.\n".encode()
    for number in range(3):
        yield f"inbox/empty-{number}.png", b""


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
