"""Tables as people and spreadsheets write them."""

import csv
import io

import pytest

from worker.batches.dialect import Dialect
from worker.batches.sheet import SAMPLE, Limits, read, split
from worker.batches.table import COLUMNS, Outcome, cell, lines
from worker.errors import BadInput

A, B, C = "https://a.test/1.jpg", "https://b.test/2,x.png?y=1;z=2", "http://c.test/3.webp"


def urls(table: str | bytes, *columns: str) -> list[tuple[str, ...]]:
    return [row.urls for row in read(table.encode() if isinstance(table, str) else table, columns).rows]


def test_the_sample_is_understood_in_both_its_forms() -> None:
    sheet = read(SAMPLE.encode())
    assert sheet.header == ("Serial Number", "Product Name", "Input Image Urls")
    assert [len(row.urls) for row in sheet.rows] == [2, 2]
    assert sheet.rows[1].cells == (
        "2",
        "SKU2",
        "https://www.example.com/image-3.jpg,https://www.example.com/image-4.png",
    )
    assert (sheet.urls, sheet.widest) == (4, 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_a_spreadsheet_writes_is_read(encoding: str, delimiter: str, end: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    rows = [("Nr", "Größe", "Bilder"), ("1", 'café "x"', f"{A}, {B}"), ("2", "a\nb", ""), ("3", "ü", C)]
    writer.writerows(rows)
    sheet = read(out.getvalue().encode(encoding))
    assert sheet.header == rows[0]
    assert [row.cells for row in sheet.rows] == rows[1:]
    assert [row.urls for row in sheet.rows] == [(A, B), (), (C,)]
    assert sheet.dialect.delimiter == delimiter
    assert sheet.dialect.mark == (encoding != "utf-8")


def test_excel_may_say_its_delimiter() -> None:
    assert urls(f"sep=;\r\nname;url\r\nx,y;{A}\r\n") == [(A,)]


def test_quotes_after_a_space_are_quotes() -> None:
    assert urls(f'Serial Number, "Product", "Input Image Urls"\n1, "a, b", "{A}, {C}"\n') == [(A, C)]


@pytest.mark.parametrize(
    ("table", "found"),
    [
        (f"id,photo\n1,{A}\n", [(A,)]),
        (f"id,Image URL 1,Image URL 2\n1,{A},{C}\n2,,{C}\n", [(A, C), (C,)]),
        (f"id,where it is,note\n1,{A},x\n2,{C},y\n", [(A,), (C,)]),
        (f"urls,name\n{A},https\n", [(A,)]),
        (f"{A}\n{C}\n", [(A,), (C,)]),
        (f"1,x,{A}\n2,y,{C},{A}\n", [(A,), (C, A)]),
        (f"id,urls,,\n1,{A},{C},\n", [(A, C)]),
        ("id,url\n1,n/a\n2,file:///etc/passwd\n", [("n/a",), ("file:///etc/passwd",)]),
    ],
)
def test_the_columns_of_urls_are_found(table: str, found: list[tuple[str, ...]]) -> None:
    assert urls(table) == found


def test_columns_may_be_named() -> None:
    table = f"id,Front,Back,Url\n1,{A},{C},{B.replace(',', '')}\n"
    assert urls(table, "front", " BACK ") == [(A, C)]
    with pytest.raises(BadInput, match="no column 'side'; there are: id, Front, Back, Url"):
        urls(table, "side")


def test_urls_hold_commas() -> None:
    assert split(f"{A},{B},{C}") == [A, B, C]
    assert split(f"  {A}\n{B} | {C}; ") == [A, B, C]
    assert split("") == []


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("", "is empty"),
        ("\n \n,,\n", "is empty"),
        (f'id,url\n1,{A}\n2,"{C}\n', "line 3: unexpected end of data; is a quotation mark missing"),
        (f'id,url\n1,"x"y,{A}\n', "line 2: "),
        (f"url,id\n{A},1\n\n{A},{C},2\n", "line 4: 3 cells under 2 headings"),
        ("id,name\n1,x\n", "no column holds URLs; name the one that does: id, name"),
        (f"url\n{A}\n{A}\n{A}\n{A}\n", "line 5: more than 3 rows"),
        (f"id,url\n1,{','.join([A] * 501)}\n", "line 2: 501 URLs in one row"),
        (f"id,url\n{'x' * 200_000},{A}\n", "line 2: field larger than"),
        ("id,url\n" + "x" * 3000, "the table has 3007 bytes"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(table: str, says: str) -> None:
    small = 3000 if says.startswith("the table has") else 10_000_000
    with pytest.raises(BadInput, match=says):
        read(table.encode(), limits=Limits(rows=3, bytes=small))


def test_text_that_is_no_text_is_refused() -> None:
    with pytest.raises(BadInput, match="line 2: it is not valid utf-16-le"):
        read("url\n".encode("utf-16") + b"\x00\xd8\x00\xd8")


def test_lines_are_counted_as_an_editor_does() -> None:
    with pytest.raises(BadInput, match="line 4: 3 cells"):
        read(f'url,note\n{A},"two\nlines"\n{A},x,y\n'.encode())


# --- the output --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *(
            (bad, f"'{bad}")
            for bad in ("=1+1", "+cmd", "-x", "@SUM(A1)", "\t=1", "\r=1", " =1", "-1+1", "+49 123", "=")
        ),
        *((fine, fine) for fine in ("-5", "+3.2", "-1,5", "1e-3", "-5%", "", "x=1", "12-3", "a", "-.5", "-1.000,50")),
    ],
)
def test_no_cell_is_a_formula_and_numbers_stay_numbers(text: str, shown: str) -> None:
    assert cell(text) == shown


def output(rows: list[tuple[list[str], list[Outcome]]], widest: int, dialect: Dialect, *, raw: bool = False) -> str:
    return "".join(lines(["id", "=x"], rows, widest, dialect, raw=raw))


def test_the_output_has_the_inputs_columns_then_those_of_each_url() -> None:
    done = Outcome("https://out/1.jpg", "done", "", 1000, 400, "ab")
    gone = Outcome("", "failed", "not_served: HTTP 404", None, None, "")
    text = output([(["1", "-2"], [done, gone]), (["2", "@y"], [])], 2, Dialect(";", mark=True))
    assert text.startswith("\ufeff")
    header, first, second = list(csv.reader(io.StringIO(text[1:]), delimiter=";"))
    assert header == ["id", "'=x", *(f"{name} 1" for name in COLUMNS), *(f"{name} 2" for name in COLUMNS)]
    assert first == [
        "1",
        "-2",
        "https://out/1.jpg",
        "done",
        "",
        "1000",
        "400",
        "ab",
        "",
        "failed",
        "not_served: HTTP 404",
        "",
        "",
        "",
    ]
    assert second == ["2", "'@y", *[""] * 12]
    assert text.count("\r\n") == 3


def test_raw_cells_are_left_as_they_come() -> None:
    assert output([(["1", "=y"], [])], 1, Dialect(), raw=True).splitlines()[1].startswith("1,=y,")
