"""Where exports may lie, and what makes their files. Beside bootstrap the only importer of backends."""

import os
import re
from pathlib import Path

from worker import urls
from worker.bootstrap import open_intake
from worker.errors import Misconfigured
from worker.export.parquet import Parquet
from worker.outlet import Maker, Shelf
from worker.settings import Settings

CLOUD = "gs://"
_FILE_NAME = re.compile(r"(?!.*\.part$)(?!.*\.\d{5}\.)[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+", re.ASCII)
_LONGEST_NAME = 100


def open_shelf(settings: Settings, place: str) -> tuple[Shelf, str]:
    """The shelf and the file's name that a path or a `gs://bucket/path` means.

    Raises Misconfigured where it names no file, or lies where it would be taken for a picture that has just come.
    """
    if place.startswith(CLOUD):
        bucket, _, path = place.removeprefix(CLOUD).partition("/")
        _named(place, bucket and path.rpartition("/")[2])
        _refuse_watched_bucket(settings, bucket)
    else:
        file = Path(place).expanduser()
        _named(place, "" if file.is_dir() or place.endswith("/") else file.name)
        _refuse_watched_folder(settings, file.parent.resolve() / file.name)
    return shelf_of(place)


def shelf_of(place: str) -> tuple[Shelf, str]:
    """The same, for who only reads what was written there."""
    if place.startswith(CLOUD):
        from worker.backends.gcp.shelf import BucketShelf

        bucket, _, path = place.removeprefix(CLOUD).partition("/")
        folder, _, name = path.rpartition("/")
        return BucketShelf(bucket, f"{folder}/" if folder else ""), name
    from worker.backends.local.shelf import LocalShelf

    file = Path(place).expanduser()
    return LocalShelf(file.parent.resolve()), file.name


def place_of(settings: Settings, name: str) -> str:
    """Where an export lies of which somebody far away may only say the name. A folder for it is made if need be.

    Raises Misconfigured where that is no plain name, or nothing says where such exports go.
    """
    checked_name(name)
    root = root_of(settings)
    if not root:
        raise Misconfigured("IMAGEMETA_EXPORTS is not set: it says where exports go, as gs://my-exports/images")
    if not root.startswith(CLOUD):
        try:
            Path(root).mkdir(exist_ok=True)
        except OSError as error:
            raise Misconfigured(f"IMAGEMETA_EXPORTS: {root} cannot be made: {error.strerror}") from error
    return f"{root}/{name}"


def checked_name(name: str) -> str:
    """The name, which leads nowhere else, and is none of a file on its way or of a later part. Raises Misconfigured."""
    if len(name) > _LONGEST_NAME or not _FILE_NAME.fullmatch(name):
        raise Misconfigured(
            f"{name!r} is no name for a file here: write letters, digits, - and _, and an ending, as images.csv"
        )
    return name


def root_of(settings: Settings) -> str:
    """The folder, or the bucket and prefix, of such exports; nothing where no setting tells."""
    if settings.exports.startswith(CLOUD):
        return settings.exports.rstrip("/")
    if settings.exports:
        scheme, host, path = urls.split("exports", settings.exports)
        if scheme != "file" or host:
            raise urls.no_backend("exports", scheme, "gs, file")
        return str(Path(path).resolve())
    if settings.documents.startswith("sqlite:"):
        _, _, path = urls.split("documents", settings.documents)
        return str(Path(path).resolve().parent / "exports")
    return ""


def maker_of(form: str) -> Maker | None:
    """What makes the files of a format to whose files nothing can be appended; None for the others."""
    match form:
        case "parquet":
            return Parquet()
        case "sqlite":
            from worker.backends.local.export_database import ExportDatabase

            return ExportDatabase()
    return None


def _named(place: str, name: str) -> None:
    if not name:
        raise Misconfigured(f"{place} names no file: write {place.rstrip('/')}/images.csv, for example")


def _refuse_watched_folder(settings: Settings, file: Path) -> None:
    from worker.backends.local.names import hidden

    scheme, _, path = urls.split("objects", settings.objects)
    root = Path(path).resolve()
    if scheme != "file" or not file.is_relative_to(root):
        return
    if not any(hidden(os.fsencode(part)) for part in file.relative_to(root).parts):
        raise Misconfigured(
            f"{file} lies in {root}, whose files are taken for pictures:"
            f" choose a place outside, or one that begins with a dot, as {root}/.exports/{file.name}"
        )


def _refuse_watched_bucket(settings: Settings, bucket: str) -> None:
    """A folder's catalog watches no bucket; of a set-up in the cloud its topic tells."""
    if settings.objects.startswith("file:"):
        return
    intake = open_intake(settings)
    try:
        announced = intake.announced(bucket)
    finally:
        intake.close()
    if announced:
        raise Misconfigured(
            f"gs://{bucket} announces its objects to the worker, which would take exports for pictures:"
            " choose another bucket"
        )
