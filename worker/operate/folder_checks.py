"""Local mode: a folder, its catalog, and the machine that they are on."""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from worker.inspection import FolderInspection
from worker.operate import machine_checks
from worker.operate.findings import Finding, amiss, broken, well
from worker.operate.machine_checks import SET_CLOCK, SLOPPY
from worker.operate.remedies import then

SCARCE, FULL = 1_000_000_000, 50_000_000
"""Free bytes below which it is worth a word, and below which SQLite soon has no room to work in."""
CROWDED = 0.9
"""The share of the kernel's watches at which others on this machine may not get theirs."""
_BROKEN_PLACE = "broken"


def folder(look: FolderInspection) -> Iterator[Finding]:
    """That it can be read, with all that is in it."""
    if not look.readable():
        yield broken("folder", "it cannot be read, so nothing in it is seen", f"chmod u+rx {_quoted(look.folder)}")
        return
    yield well("folder", "it can be read")
    if count := look.unreadable_files():
        command = f"chmod -R u+rX {_quoted(look.folder)}"
        yield amiss("pictures", f"{count} files or folders in it cannot be read, so they are left out", command)
    else:
        yield well("pictures", "all in it can be read")


def catalog(look: FolderInspection) -> Iterator[Finding]:
    """That it can be written."""
    if unwritable := look.unwritable():
        names = ", ".join(path.name for path in unwritable)
        paths = " ".join(_quoted(path) for path in unwritable)
        yield broken("catalog", f"{names} cannot be written", f"chmod u+rwX {paths}")
    else:
        yield well("catalog", "it can be written")


def files(look: FolderInspection) -> Iterator[Finding]:
    """That its databases are sound, and not of a later version than this program."""
    for name, facts in look.files().items():
        if not facts.sound or not facts.ours:
            meaning = "it is damaged" if facts.ours else "it is no file of ours"
            command = _set_aside(look, name)
            yield broken(name, f"{meaning}; without it, everything is found and read again", command)
        elif facts.newer:
            yield broken(name, "it was written by a later version of imagemeta", "pip install --upgrade imagemeta")
        else:
            yield well(name, "it is sound")


def _set_aside(look: FolderInspection, name: str) -> str:
    """Move a file out of the way, and the watcher's memory with it, so that all is announced anew."""
    names = dict.fromkeys((name, "seen.db"))
    place = look.catalog / _BROKEN_PLACE
    moved = " ".join(f"{_quoted(look.catalog / each)}*" for each in names)
    return then(f"mkdir -p {_quoted(place)}", f"mv {moved} {_quoted(place)}")


def lock(look: FolderInspection) -> Iterator[Finding]:
    """Who works on the catalog. The lock of a process that died is gone with it."""
    busy = look.at_work()
    yield well("lock", "an imagemeta is at work on the catalog" if busy else "nobody is at work on the catalog")


def pause(look: FolderInspection) -> Iterator[Finding]:
    """Whether the folder is held back."""
    if look.paused():
        command = f"imagemeta resume {_quoted(look.folder)}"
        yield amiss("pause", "the folder is paused: nothing that happens to it is announced", command)
    else:
        yield well("pause", "the folder is not paused")


def space(look: FolderInspection) -> Iterator[Finding]:
    """That there is room for the catalog to grow."""
    free = look.free_bytes()
    meaning = f"{free / 1e9:.1f} GB are free where the catalog is"
    command = f"imagemeta up {_quoted(look.folder)} --catalog ~/imagemeta-catalog"
    if free < FULL:
        yield broken("space", f"only {meaning}, so nothing can be written", command)
    elif free < SCARCE:
        yield amiss("space", f"only {meaning}", command)
    else:
        yield well("space", meaning)


def watches(look: FolderInspection) -> Iterator[Finding]:
    """That the kernel tells of every folder's changes."""
    needed, limit = look.folders(), look.watch_limit()
    if needed > CROWDED * limit:
        meaning = f"{needed} folders are to be watched, and this user may watch {limit}: changes are seen late"
        wanted = 2 ** (4 * needed).bit_length()
        yield amiss("watches", meaning, f"sudo sysctl fs.inotify.max_user_watches={wanted}")
    else:
        yield well("watches", f"{needed} folders of at most {limit} are to be watched")


def clock(look: FolderInspection) -> Iterator[Finding]:
    """That no file is younger than now: generations are times."""
    newest = look.newest()
    if newest is not None and newest - look.now() > SLOPPY:
        meaning = f"the newest file is {newest - look.now():.0f} s ahead of this clock, so the clock is behind"
        yield amiss("clock", meaning, SET_CLOCK)
    else:
        yield well("clock", "this clock is not behind the newest file")


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


CHECKS: tuple[tuple[str, Callable[[FolderInspection], Iterator[Finding]]], ...] = (
    ("libraries", lambda _: machine_checks.libraries()),
    ("folder", folder),
    ("catalog", catalog),
    ("files", files),
    ("lock", lock),
    ("pause", pause),
    ("space", space),
    ("watches", watches),
    ("clock", clock),
)
