"""Where exports may lie, and what makes their files. Beside bootstrap the only importer of backends."""

import os
from pathlib import Path

from worker import urls
from worker.bootstrap import open_intake
from worker.errors import Misconfigured
from worker.export.parquet import Parquet
from worker.outlet import Maker, Shelf
from worker.settings import Settings

CLOUD = "gs://"


def open_shelf(settings: Settings, place: str) -> tuple[Shelf, str]:
    """The shelf and the file's name that a path or a `gs://bucket/path` means.

    Raises Misconfigured where it names no file, or lies where it would be taken for a picture that has just come.
    """
    if place.startswith(CLOUD):
        bucket, _, path = place.removeprefix(CLOUD).partition("/")
        folder, _, name = path.rpartition("/")
        _named(place, bucket and name)
        _refuse_watched_bucket(settings, bucket)
        from worker.backends.gcp.shelf import BucketShelf

        return BucketShelf(bucket, f"{folder}/" if folder else ""), name
    from worker.backends.local.shelf import LocalShelf

    file = Path(place).expanduser()
    _named(place, "" if file.is_dir() or place.endswith("/") else file.name)
    folder_ = file.parent.resolve()
    _refuse_watched_folder(settings, folder_ / file.name)
    return LocalShelf(folder_), file.name


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
