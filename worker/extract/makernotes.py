"""Maker notes: each maker's own directory, where it answers what the standard tags leave open.

Policies: `never`; `auto`, only the tags that answer an open question (lens, time zone, serial number, subject
distance, a drone's pose, a live photo's film); `always`, every tag of the note. A note costs at most a thousand
entries and 20,000 values, which is 10 ms; what goes wrong with it costs only this block.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from worker.extract.budget import Budget, Spent
from worker.extract.header import Bounds, code, state
from worker.extract.ifd import CLASSIC, MARKS, Missing, Source
from worker.extract.maker_forms import CANON_BLOCK, FORMS, PLAIN_FORMS, STANDARD, Form
from worker.extract.maker_values import GROUP, NoteHeader
from worker.extract.parts import Unread
from worker.extract.values import FIELDS, SIZES
from worker.model import Block, BlockStatus, Limits, Tag

_MOST_ENTRIES = 1000
_MOST_VALUES = 20_000
_LONGEST_DIRECTORY = 500
"""What claims more entries than this is no directory."""
_HEAD = 32
_TIFF_HEADERS = {b"II*\0", b"MM\0*"}

Found = tuple[dict[str, Tag], Block]


@dataclass(frozen=True, slots=True)
class Note:
    """Where a note stands in its block, and the block's byte order; `bare` is a directory in a block of its own."""

    source: Source
    mark: str
    offset: int
    length: int
    bare: bool = False


def read(
    notes: Sequence[Note], tags: Mapping[str, Tag], known: AbstractSet[str], limits: Limits, budget: Budget
) -> Found:
    """The tags of the first note by `MakerNotes:Name`, and the state of the block.

    `tags` are those of the EXIF block, `known` all keys that its directories name, those without a value too.
    """
    if not notes:
        return {}, Block(BlockStatus.ABSENT)
    if limits.makernotes == "never":
        return _skipped("the setting is not to read them")
    note = notes[0]
    bounds = Bounds(budget, limits.tag_bytes, _MOST_ENTRIES, _MOST_VALUES)
    try:
        form = CANON_BLOCK if note.bare else _form(note, tags)
        if form is None:
            return _skipped("their form is not one that is read here")
        wanted = _wanted(form, tags, known) if limits.makernotes == "auto" else None
        if wanted is not None and not wanted:
            return _skipped("the standard tags answer what they could")
        return _read(note, form, wanted, bounds, tags)
    except (Missing, Unread) as reason:
        return {}, Block(BlockStatus.PARTIAL, f"{code(reason)}: the bytes of the note are not all there")
    except Spent:
        return {}, Block(BlockStatus.PARTIAL, "time: the CPU time for one object is spent")


def _skipped(reason: str) -> Found:
    return {}, Block(BlockStatus.ABSENT, f"skipped: {reason}")


def _form(note: Note, tags: Mapping[str, Tag]) -> Form | None:
    """The form of a note, by its signature, else by who made the camera and whether it looks like a directory."""
    head = note.source.read(note.offset, min(note.length, _HEAD))
    for form in FORMS:
        if head.startswith(form.signature):
            return form
    make = tags["IFD0:Make"].text.upper() if "IFD0:Make" in tags else ""
    return next((form for maker, form in PLAIN_FORMS if make.startswith(maker)), None)


def _wanted(form: Form, tags: Mapping[str, Tag], known: AbstractSet[str]) -> frozenset[int]:
    """The note's tags that answer a question which no standard tag answers."""
    answers = form.maker.answers
    return frozenset(tag for question in answers if not _answered(question, tags, known) for tag in answers[question])


def _answered(question: str, tags: Mapping[str, Tag], known: AbstractSet[str]) -> bool:
    """Whether a standard tag has something to say: cameras without an answer write blanks, dashes and zeros.

    One whose value is not there counts as an answer, or else a file that is cut would have more tags than the whole.
    """
    return any(
        key in known and (key not in tags or any(character.isalnum() for character in tags[key].text))
        for key in STANDARD[question]
    )


def _read(note: Note, form: Form, wanted: AbstractSet[int] | None, bounds: Bounds, tags: Mapping[str, Tag]) -> Found:
    mark, base, ifd = _place(note, form)
    if not mark or not _plausible(note.source, mark, base + ifd):
        return {}, Block(BlockStatus.FAILED, "malformed: the note is not of the form that its maker writes")
    model = tags["IFD0:Model"].text if "IFD0:Model" in tags else ""
    header = NoteHeader(note.source, mark, bounds, form.maker.name, model, detailed=wanted is None)
    header.offset, header.only = base, wanted
    header.dump_ifd(ifd, GROUP, form.maker.table)
    for table, offset in header.directories:
        header.only = None if wanted is None else table.keys()
        header.dump_ifd(offset, GROUP, table)
    return header.tags, state(header.faults, found=bool(header.tags))


def _place(note: Note, form: Form) -> tuple[str, int, int]:
    """The byte order's mark, "" where there is none, the base of offsets, and from there the directory's place."""
    head = note.source.read(note.offset, min(note.length, _HEAD))
    if form.header is not None:
        base, mark = note.offset + form.header, MARKS.get(head[form.header : form.header + 2], "")
        raw = note.source.read(base + 4, 4)
        return mark, base, CLASSIC[mark].pointer.unpack(raw)[0] if mark else 0
    mark = form.mark or note.mark
    if form.order_at is not None:
        mark = MARKS.get(head[form.order_at : form.order_at + 2], "")
    base = note.offset if form.own else _moved(note) if form.footer else 0
    return mark, base, note.offset + form.start - base


def _moved(note: Note) -> int:
    """By how much the note was moved since it was written: Canon's last eight bytes tell where it stood then.

    Editors that rewrite a file move the note but not the offsets in it, which then lead to other values.
    """
    tail = note.source.upto(note.offset + note.length - 8, 8)
    if tail[:4] not in _TIFF_HEADERS or note.bare:
        return 0
    stood: int = CLASSIC[MARKS[tail[:2]]].pointer.unpack_from(tail, 4)[0]
    return note.offset - stood


def _plausible(source: Source, mark: str, at: int) -> bool:
    """Whether a directory seems to begin there: a small number of entries, the first of which has a known type."""
    layout = CLASSIC[mark]
    head = source.read(at, layout.number.size + layout.entry.size)
    (number,) = layout.number.unpack_from(head)
    _, kind, count, _ = layout.entry.unpack_from(head, layout.number.size)
    return 0 < number <= _LONGEST_DIRECTORY and kind in FIELDS and SIZES[kind] * count <= source.size
