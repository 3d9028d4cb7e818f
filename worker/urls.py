"""Backends are named by URLs: `pubsub://PROJECT/NAME`, `firestore://PROJECT/DATABASE/COLLECTION`, `sqlite:///PATH`."""

from urllib.parse import unquote, urlsplit

from worker.errors import Misconfigured


def collection(path: str) -> tuple[str, str]:
    """The database and the collection of a firestore URL."""
    database, _, collection = path.partition("/")
    return database or "(default)", collection or "images"


def full_name(setting: str, value: str, kind: str) -> str:
    """What Pub/Sub calls the topic or subscription of a setting, or nothing where it is not set."""
    if not value:
        return ""
    _, project, name = split(setting, value)
    return f"projects/{project}/{kind}/{name}"


def split(setting: str, value: str) -> tuple[str, str, str]:
    """Scheme, host and path of a backend's URL."""
    if not value:
        raise Misconfigured(f"IMAGEMETA_{setting.upper()} is not set; docs/settings.md says what it takes")
    parts = urlsplit(value)
    path = unquote(parts.path, errors="surrogateescape")  # a file name is bytes, not text
    # sqlite:///relative would be a surprise: local paths are absolute, the cloud's names have no leading slash.
    return (
        parts.scheme,
        unquote(parts.netloc),
        path if parts.scheme in {"sqlite", "file"} else path.strip("/"),
    )


def path_of(value: str) -> str:
    """The path of a URL that may be empty, without slashes around it."""
    return urlsplit(value).path.strip("/")


def no_backend(setting: str, scheme: str, known: str) -> Misconfigured:
    """The error of a scheme that nothing is known for."""
    return Misconfigured(
        f"IMAGEMETA_{setting.upper()}: no backend for {scheme or 'a URL without a scheme'!r}; known: {known}"
    )
