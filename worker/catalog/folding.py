"""Texts without what readers do not care for: case, accents, width. Queries and documents are folded alike."""

import re
import unicodedata
from functools import lru_cache

LONGEST = 300
"""Characters of a folded text that count."""
LONGEST_WORD = 40

_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=1024)  # cameras, lenses and owners come again with every picture
def fold(text: str) -> str:
    """The text as it is compared."""
    return _plain(text)[:LONGEST]


@lru_cache(maxsize=1024)
def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded, in its order: runs of letters and digits."""
    return tuple(word[:LONGEST_WORD] for word in _WORD.findall(_plain(text)))


def listed(name: str, text: str) -> str:
    """The word that stands for an item of a list, as `keyword:lake_garda`: items with the same words are the same."""
    return f"{name}:{'_'.join(words(text)) or fold(text).encode().hex()}"[:LONGEST]


def _plain(text: str) -> str:
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
