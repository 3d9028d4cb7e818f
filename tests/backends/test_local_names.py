"""What files are called as objects: any bytes there and back, and never out of the folder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.backends.local.names import hidden, name_of, path_of

PARTS = st.binary(min_size=1, max_size=12).filter(lambda part: not (hidden(part) or set(part) & set(b"/\0")))
PATHS = st.lists(PARTS, min_size=1, max_size=4).map(b"/".join)


@given(PATHS)
def test_every_file_has_a_name_that_leads_back_to_it(path: bytes) -> None:
    name = name_of(path)
    assert name.encode()  # legal text: it can be sent and stored
    assert path_of(name) == path


@given(PATHS, PATHS)
def test_two_files_never_have_the_same_name(one: bytes, other: bytes) -> None:
    assert (name_of(one) == name_of(other)) == (one == other)


@given(st.text(max_size=40))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    path = path_of(name)
    if path is not None:
        assert name_of(path) == name
        assert not path.startswith(b"/")
        assert not {b"", b".", b".."} & set(path.split(b"/"))


@pytest.mark.parametrize("name", ["a.jpg", "ä/写真 🏔.jpg", "cafe\u0301.jpg", "100%.jpg", "%2F", "a\nb"])
def test_a_usual_name_stays_as_it_is(name: str) -> None:
    assert name_of(name.encode()) == name


def test_bytes_that_are_no_text_are_written_in_hex() -> None:
    assert name_of(b"caf\xe9.jpg") == "caf\ufffdE9.jpg"
    assert name_of("\ufffd.jpg".encode()) == "\ufffdEF\ufffdBF\ufffdBD.jpg"


@pytest.mark.parametrize("name", ["\ufffd2E\ufffd2E/a", "\ufffd2F", "a\ufffd00b", "\ufffd41", "\ufffd", ""])
def test_a_name_that_no_file_has_leads_nowhere(name: str) -> None:
    assert path_of(name) is None


def test_half_a_character_leads_nowhere() -> None:
    assert path_of("\ud800") is None


@pytest.mark.parametrize(
    "name",
    [".git/a.jpg", "a/.imagemeta/b", ".hidden.jpg", "a.jpg~", "a.JPG.PART", "~$a", "#a#", "b.tmp", "@eaDir/a.jpg"],
)
def test_hidden_and_temporary_files_are_no_objects(name: str) -> None:
    assert path_of(name) is None
