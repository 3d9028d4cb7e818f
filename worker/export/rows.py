"""A document as one row of a table: its summary, in columns that do not change.

A text that a spreadsheet would run as a formula is given a leading apostrophe (OWASP, "CSV injection"): whoever uploads
a picture decides what its caption says. Numbers stay numbers, negative ones too.
"""

from collections.abc import Mapping, Sequence

COLUMNS: tuple[tuple[str, str], ...] = (
    ("file", "file"),
    ("status", "status"),
    ("format", "image.format"),
    ("width", "image.width"),
    ("height", "image.height"),
    ("orientation", "image.orientation"),
    ("size", "size"),
    ("taken", "taken.local taken.offset"),
    ("taken_utc", "taken.utc"),
    ("latitude", "position.latitude"),
    ("longitude", "position.longitude"),
    ("altitude", "position.altitude"),
    ("make", "camera.make"),
    ("model", "camera.model"),
    ("lens", "camera.lens"),
    ("iso", "exposure.iso"),
    ("f_number", "exposure.f_number"),
    ("exposure_time", "exposure.exposure_time"),
    ("focal_length", "exposure.focal_length"),
    ("title", "text.title"),
    ("description", "text.description"),
    ("keywords", "text.keywords"),
    ("creator", "text.creator"),
    ("copyright", "text.copyright"),
    ("rating", "text.rating"),
    ("error_code", "error.code"),
    ("error_message", "error.message"),
)
"""Each column's heading, and the path of its value in a document, or of two texts that belong together."""

_SPARKS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The last four are the fullwidth forms of the first."""

Cell = str | int | float | None


def row(document: Mapping[str, object]) -> list[Cell]:
    """The cells of a document's row, one for each column; None where it has no such value."""
    return [_cell([_at(document, path) for path in paths.split()]) for _, paths in COLUMNS]


def safe(text: str) -> str:
    """The text, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_SPARKS) else text


def _at(value: object, path: str) -> object:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _cell(values: Sequence[object]) -> Cell:
    value = values[0]
    if value is None or isinstance(value, int | float):
        return value
    texts = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return safe("".join([texts, *(str(more) for more in values[1:] if more is not None)]))
