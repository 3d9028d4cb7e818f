"""Which searches the database's indexes serve: those that clicks make, and those that docs/search.md names."""

import re
from collections.abc import Iterator
from itertools import combinations, product

import pytest

from tests.catalog.indexed import asked, unserved
from tests.catalog.test_query import PAGE
from worker.catalog.facets import FACETS, ISO_BANDS
from worker.catalog.fields import FIELDS, ORDERED, Field, Kind, Operator
from worker.document import UNINDEXED
from worker.errors import QueryError
from worker.indexes import COMPOSITE, GROWING, Index

VALUES = {Kind.TEXT: "a", Kind.NUMBER: "5", Kind.TIME: "2024-05", Kind.FLAG: "yes", Kind.PRESENCE: "position"}
OTHERS = {"near": "48,11,5km", "box": "47,10,49,12", "in": "gs://photos/2024/", "status": "ok"}
PILES = {"month": ("2024-05",), "iso": tuple(ISO_BANDS), "position": ("yes", "no"), "status": ("ok",)}
CLICKS = [facet.asked(pile) for facet in FACETS.values() for pile in PILES.get(facet.name, ("one",))]
IN_VIEW = "box:47,10,49,12"
ONE_BY_ONE = (
    *("alps", "keyword:alps", "make:Sony", "model:X", "iso:800", "code:x", "fingerprint:x", "quarantined:yes", "run:x"),
    *("bucket:photos name:a,b", "focal:>=24 focal:<35", f"focal:>=24 focal:<35 {IN_VIEW}"),
)


def written(field: Field, operator: Operator) -> str:
    """A term of this field."""
    value = OTHERS.get(field.name) or VALUES[field.kind]
    match operator:
        case Operator.BEGINS:
            return f"{field.name}:{value}*"
        case Operator.BETWEEN:
            return f"{field.name}:{value}..{value}"
        case Operator.LESS | Operator.AT_MOST | Operator.MORE | Operator.AT_LEAST:
            return f"{field.name}:{operator}{value}"
    return f"{field.name}:{value}"


def terms() -> Iterator[tuple[Field, Operator, str]]:
    """All that the language can say of each field, as far as Firestore can be asked for it at all."""
    for field in FIELDS:
        for operator in field.operators:
            text = written(field, operator)
            try:
                asked(text)
            except QueryError:
                continue
            yield field, operator, text


@pytest.mark.parametrize("clicks", [(), *((click,) for click in CLICKS), *combinations(CLICKS, 2)], ids=" ".join)
def test_what_two_clicks_ask_is_served(clicks: tuple[str, ...]) -> None:
    iso = sum(click.startswith("iso:") for click in clicks)
    assert not unserved(asked(" ".join(clicks)))
    if len(clicks) < 2 or not iso:
        assert not unserved(asked(" ".join((*clicks, IN_VIEW))))


@pytest.mark.parametrize("text", ONE_BY_ONE)
def test_what_pages_ask_besides_is_served(text: str) -> None:
    assert not unserved(asked(text))


@pytest.mark.parametrize("index", COMPOSITE, ids=lambda index: ", ".join(path for path, _ in index))
def test_every_index_is_needed(index: Index) -> None:
    others = [each for each in COMPOSITE if each != index]
    texts = ["", *ONE_BY_ONE, *CLICKS, *map(" ".join, product(CLICKS, [IN_VIEW, "iso:>400"]))]
    by_name = (("bucket", "ASCENDING"), ("name", "ASCENDING"))
    assert index == by_name or any(unserved(asked(text), others) for text in texts)


def test_nothing_is_asked_that_no_index_may_tell() -> None:
    """Of large fields nothing is asked; those that only grow stand behind the time a picture was taken."""
    for _, _, text in terms():
        for index in unserved(asked(text), ()):
            paths = [path for path, _ in index]
            assert not any(path.partition(".")[0] in UNINDEXED for path in paths), text
            assert paths[0] not in GROWING, text


def test_the_page_names_what_is_indexed() -> None:
    assert table() in PAGE.read_text(), "docs/search.md is out of date: python -m tests.catalog.test_indexed writes it"


def table() -> str:
    """Which terms the indexes of Terraform serve."""
    served = [(field.name, operator) for field, operator, text in terms() if not unserved(asked(text))]
    ranges = (*ORDERED[1:], Operator.BEGINS)
    single = [name for name, operator in served if operator not in ranges]
    ranged = [name for name, operator in served if operator in ranges]
    lines = [f"- {_named(single)}", f"- ranges of {_named(ranged)}"]
    return "<!-- indexed -->\n" + "\n".join(lines) + "\n<!-- /indexed -->"


def _named(names: list[str]) -> str:
    return " ".join(f"`{name}:`" for name in dict.fromkeys(names))


def main() -> None:
    """Write the list into docs/search.md."""
    old = PAGE.read_text()
    PAGE.write_text(re.sub(r"<!-- indexed -->.*<!-- /indexed -->", lambda _: table(), old, flags=re.DOTALL))


if __name__ == "__main__":
    main()
