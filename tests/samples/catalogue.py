"""The sample pictures: what each is, how it is made, and what a reader should find in it."""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from tests.samples.drawing import draw, encoded
from tests.samples.packets import iptc, with_jpeg_metadata, with_png_metadata, xmp
from tests.samples.tiff import SHORT, Entry, Ifd, exif, rational, raw, short, signed, text

POISON_COUNT = 1_006_641_184
"""More values than any file holds: a reader that believes it never comes back."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One file, and what the table of `imagemeta up --once` says of it (empty: nothing)."""

    name: str
    make: Callable[[], bytes]
    status: str
    camera: str = ""
    taken: str = ""
    position: str = ""
    pixels: str = "480x320"


def _camera(maker: str, model: str, orientation: int = 1, **more: Entry) -> Ifd:
    return {0x010F: text(maker), 0x0110: text(model), 0x0112: short(orientation), 0x8298: text("CC0"), **_tagged(more)}


def _shot(taken: str, seconds: float, f_number: float, iso: int, millimetres: float, **more: Entry) -> Ifd:
    return {
        0x829A: rational(seconds),
        0x829D: rational(f_number),
        0x8827: short(iso),
        0x9000: raw(b"0232"),
        0x9003: text(taken),
        0x9004: text(taken),
        0x9204: signed(0),
        0x9209: short(16),
        0x920A: rational(millimetres),
        **_tagged(more),
    }


def _place(latitude: float, longitude: float, altitude: float) -> Ifd:
    """A GPS IFD: degrees, minutes and seconds without sign, and the hemispheres beside them."""
    return {
        0x00: Entry(1, b"\x02\x03\x00\x00"),
        0x01: text("N" if latitude >= 0 else "S"),
        0x02: rational(*_sexagesimal(latitude)),
        0x03: text("E" if longitude >= 0 else "W"),
        0x04: rational(*_sexagesimal(longitude)),
        0x05: Entry(1, b"\x00" if altitude >= 0 else b"\x01"),
        0x06: rational(abs(altitude)),
    }


def _sexagesimal(degrees: float) -> tuple[float, float, float]:
    minutes, seconds = divmod(round(abs(degrees) * 3600, 4), 60)
    whole, minutes = divmod(minutes, 60)
    return whole, minutes, seconds


def _tagged(named: dict[str, Entry]) -> Ifd:
    numbers = {"software": 0x0131, "offset": 0x9011, "subsec": 0x9291, "lens": 0xA434, "lens_maker": 0xA433}
    return {numbers[name]: entry for name, entry in named.items()}


def _jpeg(seed: int, size: tuple[int, int] = (480, 320)) -> bytes:
    return encoded(draw(seed, size), "JPEG", quality=80)


def _alps() -> bytes:
    block = exif(
        _camera("Canon", "Canon EOS R6"),
        _shot("2024:07:14 05:42:10", 1 / 250, 8, 100, 35, offset=text("+02:00"), lens=text("RF24-105mm F4 L IS USM")),
        _place(46.5775, 7.985, 2970.5),
    )
    packet = xmp(
        {"xmp:Rating": "5", "dc:title": {"x-default": "Sunrise over the Aletsch"}, "dc:creator": ["A. Sample"]}
    )
    datasets = iptc(
        [(5, "Sunrise over the Aletsch"), (25, "alps"), (25, "sunrise"), (120, "First light on the glacier.")]
    )
    return with_jpeg_metadata(_jpeg(0), block, packet, datasets)


def _harbour() -> bytes:
    lens = text("NIKKOR Z 50mm f/1.8 S")
    shot = _shot("2023:11:04 21:17:55", 1.3, 2.8, 800, 50, subsec=text("42"), lens=lens)
    block = exif(_camera("NIKON CORPORATION", "NIKON Z 6_2"), shot, order=">")
    return with_jpeg_metadata(_jpeg(2), block, iptc=iptc([(90, "Hamburg"), (120, "Container bridges at night")]))


def _market() -> bytes:
    block = exif(
        _camera("Apple", "iPhone 15 Pro", orientation=6, software=text("17.5.1")),
        _shot("2024:05:18 13:05:09", 1 / 1200, 1.78, 64, 6.765, offset=text("+09:00"), subsec=text("318")),
        _place(35.0051, 135.7647, 41.2),
        order=">",
    )
    return with_jpeg_metadata(_jpeg(3), block)


def _lagoon() -> bytes:
    block = exif(
        _camera("SONY", "ILCE-7M4"),
        _shot("2022:02:27 18:30:00", 1 / 500, 11, 200, 24, offset=text("-03:00"), lens=text("FE 24-70mm F2.8 GM II")),
        _place(-49.5761, -68.3514, -105),
    )
    return with_jpeg_metadata(_jpeg(1), block)


def _drone() -> bytes:
    block = exif(
        _camera("DJI", "FC3582"), _shot("2024:09:02 10:11:12", 1 / 800, 1.7, 100, 6.7), _place(52.1, 4.3, 48.1)
    )
    packet = xmp(
        {
            "drone-dji:RelativeAltitude": "+45.20",
            "drone-dji:GimbalYawDegree": "-12.50",
            "drone-dji:GimbalPitchDegree": "-90.00",
            "drone-dji:GimbalRollDegree": "+0.00",
            "drone-dji:FlightYawDegree": "-12.90",
        }
    )
    return with_jpeg_metadata(_jpeg(5), block, packet)


def _sakura() -> bytes:
    block = exif(_camera("FUJIFILM", "X-T5"), _shot("2024:04:03 07:00:00", 1 / 60, 5.6, 125, 33, offset=text("+09:00")))
    title = {"x-default": "京都の桜", "ja": "京都の桜", "en": "Cherry blossom in Kyoto"}
    return with_jpeg_metadata(_jpeg(7), block, xmp({"dc:title": title, "dc:subject": ["桜", "春"]}))


def _diagram() -> bytes:
    block = exif({0x0131: text("imagemeta samples"), 0x0132: text("2024:01:02 03:04:05")})
    packet = xmp({"dc:title": {"x-default": "A diagram"}, "xmp:CreateDate": "2024-01-02T03:04:05Z"})
    return with_png_metadata(encoded(draw(4), "PNG"), block, packet)


def _lighthouse() -> bytes:
    block = exif(
        _camera("Panasonic", "DC-S5"), _shot("2021:08:09 19:20:21", 1 / 100, 9, 100, 85), _place(54.18, 12.09, 12)
    )
    packet = xmp({"dc:description": {"x-default": "Lighthouse at Warnemünde"}})
    return encoded(draw(9), "WEBP", quality=70, exif=block, xmp=packet)


def _scan() -> bytes:
    tags = Image.Exif()
    tags[0x010F], tags[0x0110] = "EPSON", "Perfection V600"
    tags[0x0132] = "2020:03:14 15:09:26"
    return encoded(draw(6, (240, 160)), "TIFF", compression="tiff_lzw", exif=tags)


def _portrait() -> bytes:
    shot = _shot("2024:08:21 17:45:00", 1 / 120, 2.8, 80, 9, offset=text("+02:00"))
    block = exif(_camera("Apple", "iPhone 15 Pro"), shot, _place(48.1374, 11.5755, 519), order=">")
    return encoded(draw(11), "HEIF", quality=60, exif=block)


def _kite() -> bytes:
    shot = _shot("2024:10:03 11:22:33", 1 / 2000, 1.68, 50, 6.9, offset=text("+02:00"))
    block = exif(_camera("Google", "Pixel 8"), shot, _place(53.8699, 8.7029, 3))
    return encoded(draw(10), "AVIF", quality=60, exif=block)


def _animation() -> bytes:
    frames = [draw(seed, (120, 80)).quantize(32) for seed in (0, 4, 8)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=300, loop=0)


def _broken() -> bytes:
    """Cut within its EXIF block, as an upload that broke off leaves it."""
    whole = _lagoon()
    return whole[:200]


def _poison() -> bytes:
    shot = {0x9003: text("2019:12:31 23:59:59"), 0x927C: raw(b"\0\0\0\x08", POISON_COUNT)}
    block = exif({0x010F: text("Canon"), 0x0110: text("Canon EOS 5D"), 0x0100: Entry(SHORT, (480,))}, shot)
    return with_jpeg_metadata(_jpeg(8), block)


def _note() -> bytes:
    return b"This is a note that somebody saved under the name of a picture.\n"


SAMPLES: tuple[Sample, ...] = (
    Sample(
        "alps-sunrise.jpg", _alps, "ok", "Canon EOS R6", "2024-07-14 05:42:10 +02:00", "46.57750, 7.98500, 2970.5 m"
    ),
    Sample("animation.gif", _animation, "none", pixels="120x80"),
    Sample("broken-upload.jpg", _broken, "partial (exif)", "Sony ILCE-7M4", pixels=""),
    Sample("diagram.png", _diagram, "ok", taken="2024-01-02 03:04:05 +00:00"),
    Sample("drone-field.jpg", _drone, "ok", "DJI FC3582", "2024-09-02 10:11:12", "52.10000, 4.30000, 48.1 m"),
    Sample("harbour-night.jpg", _harbour, "ok", "Nikon Z 6_2", "2023-11-04 21:17:55.42"),
    Sample("lagoon.jpg", _lagoon, "ok", "Sony ILCE-7M4", "2022-02-27 18:30:00 -03:00", "-49.57610, -68.35140, -105 m"),
    Sample("lighthouse.webp", _lighthouse, "ok", "Panasonic DC-S5", "2021-08-09 19:20:21", "54.18000, 12.09000, 12 m"),
    Sample("no-metadata.jpg", lambda: _jpeg(12), "none"),
    Sample("note.jpg", _note, "failed (unsupported_format)", pixels=""),
    Sample("phone/kite.avif", _kite, "ok", "Google Pixel 8", "2024-10-03 11:22:33 +02:00", "53.86990, 8.70290, 3 m"),
    Sample(
        "phone/market.jpg",
        _market,
        "ok",
        "Apple iPhone 15 Pro",
        "2024-05-18 13:05:09.318 +09:00",
        "35.00510, 135.76470, 41.2 m",
        pixels="320x480",
    ),
    Sample(
        "phone/portrait.heic",
        _portrait,
        "ok",
        "Apple iPhone 15 Pro",
        "2024-08-21 17:45:00 +02:00",
        "48.13740, 11.57550, 519 m",
    ),
    Sample("poison.jpg", _poison, "partial (exif)", "Canon EOS 5D", "2019-12-31 23:59:59"),
    Sample("scan.tiff", _scan, "ok", "Epson Perfection V600", "2020-03-14 15:09:26", pixels="240x160"),
    Sample("京都の桜.jpg", _sakura, "ok", "Fujifilm X-T5", "2024-04-03 07:00:00 +09:00"),
)
