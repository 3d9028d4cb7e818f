"""Documents to search, each made as the worker makes them: a few by hand, with all that is odd, and many by chance."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from worker import geohash
from worker.catalog.searchable import searchable
from worker.document import Attempt, extracted, failed
from worker.errors import CorruptImage, UnsupportedFormat
from worker.model import (
    Block,
    BlockStatus,
    Camera,
    Document,
    Event,
    Exposure,
    ImageInfo,
    Message,
    Metadata,
    Notification,
    ObjectRef,
    Position,
    Tag,
    Taken,
    Text,
    Value,
)

OK, BROKEN = Block(BlockStatus.OK), Block(BlockStatus.PARTIAL, "cut off")
UPLOADED = datetime(2025, 3, 1, 12, tzinfo=UTC)
CAMERAS = (("Sony", "ILCE-7M4"), ("Canon", "EOS R6"), ("Apple", "iPhone 15"), ("DJI", "FC3582"), ("SONY", "ilce-7m4"))
LENSES = ("FE 24-70mm F2.8 GM", "RF24-105mm F4 L IS USM", None)
KEYWORDS = ("alps", "lake garda", "Zürich", "snow", "night", "日本")


def documents(by_chance: int = 60) -> list[Document]:
    """All of them, so many of which are made by chance; the same at every call."""
    return [*_by_hand(), *_by_chance(random.Random(20240501), by_chance)]


def picture(
    name: str,
    metadata: Metadata | None = None,
    *,
    bucket: str = "photos",
    uploaded: datetime = UPLOADED,
    size: int = 1000,
    **more: object,
) -> Document:
    """The document of a picture; `more` are top-level fields that others write."""
    ref = ObjectRef(bucket, name, 1, size=size, created=uploaded, content_type="image/jpeg")
    seen = Notification(Event.FINALIZE, ref, uploaded)
    found = metadata or Metadata(ImageInfo("JPEG"), blocks={"exif": OK})
    made = extracted(seen, found, Attempt(1, "w1", uploaded + timedelta(seconds=5)))
    return replace(made, fields={**made.fields, **more})  # type: ignore[dict-item] # they are plain values


def failure(name: str, error: Exception, *, redrives: int = 0, **more: object) -> Document:
    """The document of a picture that could not be read."""
    ref = ObjectRef("photos", name, 1, size=5, created=UPLOADED + timedelta(minutes=redrives))
    seen = Notification(Event.FINALIZE, ref, ref.created)
    made = failed(Message(name, {}), seen, error, Attempt(3, "w2", UPLOADED))
    code = getattr(error, "code", "internal")
    kept = {"code": code, "stage": "walk", "fingerprint": f"{code}-1", "frame": "walk", "redrives": redrives}
    fields: dict[str, Value] = {**made.fields, "failure": kept, **more}  # type: ignore[dict-item] # plain values
    return replace(made, fields=fields | {"search": searchable(fields)})


def placed(latitude: float, longitude: float, altitude: float | None = None) -> Position:
    """A position as extraction tells it."""
    return Position("GPS:GPSLatitude", latitude, longitude, altitude, None, geohash.encode(latitude, longitude))


def taken(local: str, offset: str | None = None, precision: str = "second") -> Taken:
    """A time as extraction tells it."""
    utc = datetime.fromisoformat(f"{local}{offset}").astimezone(UTC) if offset else None
    return Taken(local, "ExifIFD:DateTimeOriginal", precision, "high", offset, utc)


def of(info: ImageInfo | None = None, **parts: object) -> Metadata:
    """Metadata of these parts."""
    return replace(Metadata(info or ImageInfo("JPEG"), blocks={"exif": OK}), **parts)  # type: ignore[arg-type] # parts


def _by_hand() -> Iterator[Document]:
    yield picture("nothing.jpg")
    yield picture("munich/in.jpg", of(position=placed(48.1, 11.5, 520), taken=taken("2024-05-31T23:59:59", "+02:00")))
    yield picture("munich/edge.jpg", of(position=placed(48.1177, 11.5, -3.5)))  # 1,968 m away: near, and in a corner
    yield picture("munich/out.jpg", of(position=placed(48.1159, 11.524)))  # in the box around the circle, not in it
    yield picture("fiji/east.jpg", of(position=placed(-17.8, 179.99)))
    yield picture("fiji/west.jpg", of(position=placed(-17.8, -179.99)))
    yield picture("pole.jpg", of(position=placed(89.99, 20)))
    yield picture("null-island.jpg", of(position=placed(0.0, 0.0, 0.0)))
    yield picture("unusable.jpg", of(position=Position("GPS:GPSLatitude", flags=("zero_zero",))))
    yield picture("may-first.jpg", of(taken=taken("2024-05-01T00:30:00", "+09:00")))  # still April in UTC
    yield picture("year.jpg", of(taken=taken("2024", precision="year")))
    yield picture("month.jpg", of(taken=taken("2024-05", precision="month")))
    yield picture("subsecond.jpg", of(taken=taken("2024-07-14T05:42:10.123456789", precision="subsecond")))
    yield picture("old.jpg", of(taken=taken("1861-02-03T04:05:06")))
    yield picture("100%_*?.jpg", of(text=Text(title='He said "no"; DROP TABLE\\', keywords=("a,b", "❤", "=1+1"))))
    yield picture("ÄÖ/café_München.JPG", of(text=Text(title="ÉTÉ à Zürich", copyright="© Müller", creator=("Zoë",))))
    yield picture("long.jpg", of(text=Text(title="x" * 5000, keywords=tuple(f"keyword {n}" for n in range(300)))))
    yield picture("control.jpg", of(camera=Camera("Evil\x1fCorp", "\x1b[31mRed\n", "a\tb")))
    yield picture("cut.jpg", of(truncated=True, blocks={"exif": OK, "xmp": BROKEN}), quarantined=False)
    yield picture("none.png", of(ImageInfo("PNG", width=10, height=20, orientation=6), blocks={}))
    yield picture("rated.jpg", of(text=Text(rating=5.0), tags={"XMP-xmp:Rating": Tag("xmp:Rating", "xmp", 5.0, "5")}))
    yield picture("tagged.jpg", of(tags={"IFD0:Make": Tag(271, "ASCII", "SONY", "SONY")}), run="nightly", passes=2)
    yield picture(
        "archived.tif", of(ImageInfo("TIFF")), bucket="archive", recipe="r2", uploaded=UPLOADED - timedelta(400)
    )
    yield picture("photos\U0010ffff.jpg", bucket="archive")
    yield failure("broken/a.jpg", CorruptImage("cut"), quarantined=True)
    yield failure("broken/b.jpg", CorruptImage("cut"), redrives=2, run="nightly")
    yield failure("broken/c.txt", UnsupportedFormat("text"), redrives=5)


def _by_chance(rng: random.Random, count: int) -> Iterator[Document]:
    for number in range(count):
        make, model = rng.choice(CAMERAS)
        local = (datetime(2024, 4, 20, 12) + timedelta(hours=rng.randrange(24 * 100))).isoformat()  # noqa: DTZ001 -- no zone
        keywords = tuple(rng.sample(KEYWORDS, rng.randrange(4)))
        yield picture(
            f"many/{rng.randrange(10)}/IMG_{number:04}.jpg",
            of(
                ImageInfo(rng.choice(["JPEG", "HEIC"]), None, rng.choice([4000, 6000]), 3000, rng.randrange(1, 9)),
                camera=Camera(make, model, rng.choice(LENSES)),
                exposure=Exposure(
                    iso=rng.choice([None, 50, 100, 400, 800, 801, 6400, 25600]),
                    f_number=rng.choice([1.4, 2.8, 8.0]),
                    exposure_time=rng.choice([1 / 250, 1 / 30, 2.0]),
                    focal_length=rng.choice([24.0, 50.0]),
                ),
                taken=taken(local, rng.choice(["+02:00", None, "-07:00"])) if rng.random() < 0.9 else None,
                position=placed(rng.uniform(47, 49), rng.uniform(10, 12)) if rng.random() < 0.5 else None,
                text=Text(f"Title {number % 7}", None, keywords, ("A. Sample",), "CC0", float(rng.randrange(-1, 6))),
            ),
            size=rng.randrange(10**3, 10**7),
            uploaded=UPLOADED + timedelta(hours=number),
        )
