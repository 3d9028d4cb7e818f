"""Documents as a table for people."""

import sys
from collections.abc import Iterable, Mapping

from worker.cli.terminal import printable

HEADINGS = ("file", "status", "camera", "taken", "position", "size")
ROWS = 1000
"""As many as are shown."""
_WIDE = 200
_STYLES = {"ok": "green", "partial": "yellow", "failed": "red"}

Fields = Mapping[str, object]


def show(rows: Iterable[tuple[str, ...]], more: int = 0) -> None:
    """Print the table on stdout: the first rows that `cells` made, and how many others there are, with those `more`."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    table = Table(*HEADINGS, box=None, pad_edge=False, header_style="bold")
    for row in rows[:ROWS]:
        style = _STYLES.get(row[1].split(" ")[0], "")
        table.add_row(*(Text(cell, style if number == 1 else "") for number, cell in enumerate(row)))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)
    more += max(0, len(rows) - ROWS)
    if more > 0:
        sys.stdout.write(f"... and {more} more\n")


def cells(document: Fields) -> tuple[str, ...]:
    """The texts of a document's row."""
    texts = (
        str(document.get("name", "")),
        _status(document),
        _camera(_part(document, "camera")),
        _taken(_part(document, "taken")),
        _position(_part(document, "position")),
        _size(_part(document, "image"), document.get("size")),
    )
    return tuple(printable(text) for text in texts)


def _part(document: Fields, name: str) -> Fields:
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def _status(document: Fields) -> str:
    """The status, and what is behind it where not all is well."""
    errors, status = document.get("errors"), str(document.get("status"))
    first = errors[0] if isinstance(errors, list) and errors else {}
    why = first.get("code" if status == "failed" else "stage")
    return f"{status} ({why})" if why else status


def _camera(camera: Fields) -> str:
    return " ".join(str(camera[name]) for name in ("make", "model") if camera.get(name))


def _taken(taken: Fields) -> str:
    parts = (str(taken.get("local") or "").replace("T", " "), str(taken.get("offset") or ""))
    return " ".join(part for part in parts if part)


def _position(position: Fields) -> str:
    """Degrees as maps take them, and metres above sea level."""
    latitude, longitude, altitude = (position.get(name) for name in ("latitude", "longitude", "altitude"))
    place = f"{latitude:.5f}, {longitude:.5f}" if isinstance(latitude, float) and isinstance(longitude, float) else ""
    height = f"{altitude:g} m" if isinstance(altitude, int | float) else ""
    return ", ".join(part for part in (place, height) if part)


def _size(image: Fields, size: object) -> str:
    pixels = f"{image['width']}x{image['height']}" if image.get("width") and image.get("height") else ""
    weight = f"{size / 1000:,.1f} kB" if isinstance(size, int) else ""
    return ", ".join(part for part in (pixels, weight) if part)
