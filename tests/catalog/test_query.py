"""The language of searches: what is understood, how it is said again, and where a fault is pointed at."""

import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.catalog.facets import FACETS
from worker.catalog.fields import FIELDS, ORDERED, TAG, WORDS, Kind, Operator
from worker.catalog.query import LONGEST, MOST_TERMS, MOST_VALUES, parse
from worker.catalog.values import Moment
from worker.errors import QueryError

PAGE = Path(__file__).parents[2] / "docs" / "search.md"

UNDERSTOOD = [
    # text                                      said again
    ("", ""),
    ("  \t\n ", ""),
    ("make:Sony", "make:Sony"),
    ("MAKE:Sony", "make:Sony"),
    ('make:"Sony"', "make:Sony"),
    ("make:Sony,Canon", "make:Sony,Canon"),
    ('make:"Sony, Inc",Canon', 'make:"Sony, Inc",Canon'),
    ("make:So*", "make:So*"),
    ('make:"So"*', "make:So*"),
    ('make:"So*"', 'make:"So*"'),
    ('make:"a \\"b\\" \\\\c"', 'make:"a \\"b\\" \\\\c"'),
    ('make:""', 'make:""'),
    ("make:*", 'make:""*'),
    ("-make:Sony", "-make:Sony"),
    ("camera:'Sony'", "camera:'Sony'"),
    ("model:α7", "model:α7"),
    ("iso:800", "iso:800"),
    ("iso:=800", "iso:800"),
    ("iso:>800", "iso:>800"),
    ("iso:>=800", "iso:>=800"),
    ("iso:<800", "iso:<800"),
    ("iso:<=800", "iso:<=800"),
    ("iso:100..400", "iso:100..400"),
    ("iso:100..", "iso:>=100"),
    ("iso:..400", "iso:<=400"),
    ("iso:100,200", "iso:100,200"),
    ("iso:1e3", "iso:1000"),
    ("alt:-10..20.5", "alt:-10..20.5"),
    ("alt:<-10m", "alt:<-10"),
    ("exposure:1/250", "exposure:0.004"),
    ("shutter:>=1/4s", "exposure:>=0.25"),
    ("aperture:2.8", "f:2.8"),
    ("focal:50mm", "focal:50"),
    ("size:>5MB", "size:>5000000"),
    ("size:<=1KiB", "size:<=1024"),
    ("rating:-1", "rating:-1"),
    ("taken:2024", "taken:2024"),
    ("taken:2024-05", "taken:2024-05"),
    ("taken:2024-05-31", "taken:2024-05-31"),
    ("taken:2024-05-31T12:30", "taken:2024-05-31T12:30"),
    ('taken:"2024-05-31 12:30:05"', "taken:2024-05-31T12:30:05"),
    ("taken:2024-05..2024-07", "taken:2024-05..2024-07"),
    ("taken:2024-05..", "taken:>=2024-05"),
    ("taken:>2024-05", "taken:>2024-05"),
    ("processed:>=2024-05-31T12:30+02:00", "processed:>=2024-05-31T10:30"),
    ("processed:2024-05-31T12:30:05Z", "processed:2024-05-31T12:30:05"),
    ("taken:9999", "taken:9999"),
    ("near:48.1,11.5,2km", "near:48.1,11.5,2000m"),
    ("near:-48.1,-11.5,250m", "near:-48.1,-11.5,250m"),
    ("near:0,180,1mi", "near:0,180,1609.344m"),
    ("box:47,10.5,48,13", "box:47,10.5,48,13"),
    ("box:-18,179,-17,-179", "box:-18,179,-17,-179"),
    ("has:position", "has:position"),
    ("-has:gps", "-has:position"),
    ("has:aperture", "has:f"),
    ("in:gs://bucket", "in:gs://bucket/"),
    ("in:bucket/a/b", "in:gs://bucket/a/b"),
    ('in:"gs://bucket/my photos/"', 'in:"gs://bucket/my photos/"'),
    ("in:gs://bucket/a,b", "in:gs://bucket/a,b"),
    ("status:FAILED,partial", "status:failed,partial"),
    ("quarantined:yes", "quarantined:yes"),
    ("quarantined:FALSE", "quarantined:no"),
    ('tag:"XMP:Rating">=3', 'tag:"XMP:Rating">=3'),
    ("tag:IFD0:Make=Sony,Canon", 'tag:"IFD0:Make"=Sony,Canon'),
    ('tag:"Image Make"="a b"*', 'tag:"Image Make"="a b"*'),
    ("tag:GPS:GPSLatitude", 'tag:"GPS:GPSLatitude"'),
    ("-tag:x<1", '-tag:"x"<1'),
    ("sunset", "sunset"),
    ("Sunset SUNSET", "sunset sunset"),
    ('"New York"', '"new york"'),
    ("-beach", "-beach"),
    ("wi-fi", '"wi fi"'),
    ("Zürich", "zurich"),
    ("12:30", '"12 30"'),
    ('"OR"', "or"),
    ('"make:Sony"', '"make sony"'),
    ("make:Sony  iso:>800\tsunset", "make:Sony iso:>800 sunset"),
]

FAULTS = [
    # text, column, what is said
    ("makr:Sony", 1, "there is no field 'makr'; did you mean make? known: make, model,"),
    ("iso:100 -colour:red", 10, "there is no field 'colour'; known: "),
    ("http://x", 1, "put it in quotes"),
    ("make:", 6, "needs a value"),
    ("make: Sony", 6, "needs a value"),
    ("make:Sony,", 11, "a value is missing"),
    ("make:,Sony", 6, "a value is missing"),
    ("make:So*,Canon", 6, "stands alone"),
    ("make:Canon,So*", 12, "stands alone"),
    ('make:"Sony', 6, "never closed"),
    ('make:"Sony"x', 12, "a space is missing"),
    ('make:So"ny"', 8, "a space is missing"),
    ("a -", 4, "a minus stands directly before"),
    ("--a", 2, "a minus stands directly before"),
    ("- a", 2, "a minus stands directly before"),
    ("iso:high", 5, "iso: 'high' is no number"),
    ("iso:>", 6, "a value is missing"),
    ("iso:>>5", 6, "iso: '>5' is no number"),
    ("iso:100..x", 10, "iso: 'x' is no number"),
    ("iso:..", 5, "at least one end"),
    ("iso:1/0", 5, "beyond all numbers"),
    ("iso:1e999", 5, "beyond all numbers"),
    ("iso:5km", 5, "'km' is no unit here"),
    ("size:5TB", 6, "'TB' is no unit here; known: kb, mb"),
    ("iso>800", 1, "a colon is missing: iso:>..."),
    ("taken:yesterday", 7, "is no date such as 2024"),
    ("taken:2024-13", 7, "there is no 2024-13"),
    ("taken:2023-02-29", 7, "there is no 2023-02-29"),
    ("taken:0000", 7, "there is no 0000"),
    ("taken:2024-05-01T10:00Z", 7, "the camera's clock has no offset"),
    ("taken:2024-05..2024-99", 16, "there is no 2024-99"),
    ("near:48.1,11.5", 6, "such as 48.1,11.5,2km"),
    ("near:48.1,11.5,2", 6, "needs its unit"),
    ("near:91,0,1km", 6, "91 is not between -90 and 90"),
    ("near:0,181,1km", 6, "181 is not between -180 and 180"),
    ("near:0,0,0m", 6, "more than nothing"),
    ("near:0,0,99999km", 6, "half the way round"),
    ("near:a,b,1km", 6, "'a' is no number"),
    ("box:48,10,47,11", 5, "the south comes first"),
    ("box:1,2,3", 5, "such as 47.2,10.5,48.4,13"),
    ("has:wings", 5, "has: does not know 'wings'; known: make"),
    ("has:postion", 5, "did you mean position?"),
    ("in:gs://", 4, "gs://bucket/prefix"),
    ("status:broken", 8, "status is one of ok, partial, none, failed, deleted"),
    ("quarantined:maybe", 13, "yes or no"),
    ("tag:=5", 5, "the tag's name is missing"),
    ('tag:" "=5', 8, "the tag's name is missing"),
    ("tag:x>=", 8, "a value is missing"),
    ("!!!", 1, "has no letter or digit"),
    ('a ""', 3, "has no letter or digit"),
    ("a OR b", 3, "there is no OR"),
    ("a AND b", 3, "leave AND out"),
    ("NOT b", 1, "put a minus"),
    ("(a b)", 1, "there are no brackets"),
    ("a\0b", 2, "no text"),
    ("make:\ud800", 6, "no text"),
    ("x" * (LONGEST + 1), LONGEST, "longer than"),
    ("a " * (MOST_TERMS + 1), 2 * MOST_TERMS + 1, "more than 60 terms"),
    ("iso:" + ",".join("1" * (MOST_VALUES + 1)), 66, "more than 30 values"),
]


@pytest.mark.parametrize(("text", "again"), UNDERSTOOD)
def test_it_is_understood_and_said_again(text: str, again: str) -> None:
    query = parse(text)
    assert str(query) == again
    assert parse(again) == query


@pytest.mark.parametrize(("text", "column", "message"), FAULTS)
def test_a_fault_is_pointed_at(text: str, column: int, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert message in caught.value.message
    assert caught.value.column == column
    assert "\n" not in str(caught.value)


def test_terms_know_where_they_stood() -> None:
    assert [term.column for term in parse('a  make:"x y" -b').terms] == [1, 4, 15]


def test_a_part_of_a_date_is_all_of_it() -> None:
    (term,) = parse("taken:2024-02").terms
    (moment,) = term.values
    assert isinstance(moment, Moment)
    assert (moment.start.isoformat(), moment.end.isoformat()) == (
        "2024-02-01T00:00:00+00:00",
        "2024-03-01T00:00:00+00:00",
    )


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**40), 2**40).map(float)
moments = st.builds(
    "{:04}{}".format,
    st.integers(1, 9999),
    st.sampled_from(["", "-02", "-12-31", "-06-30T23:59", "-01-01T00:00:00"]),
)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


comparisons = st.sampled_from(["", "=", "<", "<=", ">", ">="])
degrees = st.floats(-90, 90).map(repr)
east = st.floats(-180, 180).map(repr)
WRITTEN: dict[Kind, st.SearchStrategy[str]] = {
    Kind.TEXT: st.lists(texts.map(quoted), min_size=1, max_size=3).map(",".join) | texts.map(quoted).map("{}*".format),
    Kind.NUMBER: st.builds("{}{!r}".format, comparisons, numbers),
    Kind.TIME: st.builds("{}{}".format, comparisons, moments) | st.builds("{}..{}".format, moments, moments),
    Kind.FLAG: st.sampled_from(["yes", "no"]),
    Kind.PLACE: st.builds("{},{},{!r}m".format, degrees, east, st.floats(1, 1e6)),
    Kind.SCOPE: texts.map(lambda text: quoted(f"gs://bucket/{text}")),
    Kind.PRESENCE: st.sampled_from(["lens", "position", "iso"]),
}
"""What may stand behind a colon."""


@st.composite
def written_terms(draw: st.DrawFn) -> str:
    """Terms, as somebody might write them."""
    minus, field = draw(st.sampled_from(["", "-"])), draw(st.sampled_from([*FIELDS, TAG, WORDS]))
    if field is WORDS:
        return minus + quoted(draw(st.text(string.ascii_letters + "äßÉ日", min_size=1, max_size=8)))
    if field is TAG:
        return f'{minus}tag:"x{draw(st.text(string.ascii_letters))}"={draw(WRITTEN[Kind.TEXT])}'
    if field.name == "box":
        south, north = sorted([draw(st.floats(-90, 90)), draw(st.floats(-90, 90))])
        return f"{minus}box:{south!r},{draw(east)},{north!r},{draw(east)}"
    if field.choices:
        return f"{minus}{field.name}:{draw(st.sampled_from(field.choices))}"
    return f"{minus}{field.name}:{draw(WRITTEN[field.kind])}"


@given(st.lists(written_terms(), max_size=5).map(" ".join))
def test_what_is_said_again_means_the_same(text: str) -> None:
    query = parse(text)
    assert parse(str(query)) == query
    assert str(parse(str(query))) == str(query)


pieces = st.sampled_from([*'":-*,<>=.\\ agx15', "iso:", "tag:", "near:", ".."])


@given(st.text(max_size=60) | st.lists(pieces, max_size=25).map("".join))
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    try:
        query = parse(text)
    except QueryError as error:
        assert 1 <= error.column <= len(text) + 1  # noqa: PT017 -- either is fine, and each has its promise
    else:
        assert parse(str(query)) == query


def test_the_page_lists_the_fields() -> None:
    assert table() in PAGE.read_text(), "docs/search.md is out of date: python -m tests.catalog.test_query writes it"


def test_the_examples_of_the_page_are_understood() -> None:
    examples = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text().split("## Fields")[0], re.MULTILINE)
    assert len(examples) > 10
    for example in examples:
        assert parse(example.replace("\\|", "|")).terms


def test_every_pile_can_be_asked_for() -> None:
    values = {"position": "yes", "month": "2024-05", "iso": "101..200", "status": "ok"}
    for facet in FACETS.values():
        assert parse(facet.asked(values.get(facet.name, 'a "b", c'))).terms


def table() -> str:
    """The fields as a table."""
    signs = {Operator.BEGINS: "…*"} | {each: each.value for each in ORDERED if each is not Operator.IS}
    lines = ["| Field | In the document | Kind | Also | Meaning |", "|---|---|---|---|---|"]
    for field in (*FIELDS, TAG):
        also = " ".join(f"`{signs[each]}`" for each in field.operators if each in signs)
        names = ", ".join(f"`{name}:`" for name in (field.name, *field.also))
        lines.append(f"| {names} | {f'`{field.path}`' if field.path else ''} | {field.kind} | {also} | {field.help} |")
    return "<!-- fields -->\n" + "\n".join(lines) + "\n<!-- /fields -->"


def main() -> None:
    """Write the table into docs/search.md."""
    old = PAGE.read_text()
    PAGE.write_text(re.sub(r"<!-- fields -->.*<!-- /fields -->", lambda _: table(), old, flags=re.DOTALL))


if __name__ == "__main__":
    main()
