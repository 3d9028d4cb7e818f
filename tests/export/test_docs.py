"""docs/export.md shows the table of columns as it is; run this module to write it anew."""

import re
from pathlib import Path

import orjson

from worker.changes import message_of
from worker.export.columns import DEFAULT, TABLE
from worker.export.forms import FORMATS
from worker.model import ObjectRef, Status

PAGE = Path(__file__).parents[2] / "docs" / "export.md"


def table() -> str:
    """The table in Markdown."""
    lines = ["| Column | Holds | Where it comes from | |", "|---|---|---|---|"]
    for column in TABLE:
        name = f"`{column.name}`{' *' * (column.name in DEFAULT)}"
        path = " and ".join(f"`{each}`" for each in column.path.split())
        lines.append(f"| {name} | {column.kind} | {path} | {column.help} |")
    return "\n".join(lines)


def test_the_columns_are_as_in_the_code() -> None:
    shown = re.search(r"<!-- columns -->\n(.*?)\n<!-- /columns -->", PAGE.read_text(), re.DOTALL)
    assert shown
    assert shown[1] == table(), "run: python -m tests.export.test_docs"


def test_every_format_is_explained() -> None:
    formats = PAGE.read_text().split("## Formats")[1].split("## What changed")[0]
    assert all(f"`{name}`" in formats for name in FORMATS)


def test_the_message_of_a_change_has_the_fields_that_are_shown() -> None:
    shown = re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert shown
    told = message_of(ObjectRef("photos", "trip/beach.jpg", 1), 1, Status.OK).data
    assert list(orjson.loads(shown[1])) == list(orjson.loads(told))
    schema = re.search(r"\n  (key:STRING\S*)\n", PAGE.read_text())
    assert schema
    assert [each.split(":")[0] for each in schema[1].split(",")] == list(orjson.loads(told))


if __name__ == "__main__":
    page = re.sub(
        r"<!-- columns -->.*<!-- /columns -->",
        lambda _: f"<!-- columns -->\n{table()}\n<!-- /columns -->",
        PAGE.read_text(),
        flags=re.DOTALL,
    )
    PAGE.write_text(page)
