"""Print the metadata of pictures: files, folders, buckets.

\b
imagemeta extract photo.jpg | jq .taken
imagemeta extract ~/Pictures --format csv --write pictures.csv
imagemeta extract gs://bucket/2024/ gs://bucket/cover.jpg > pictures.jsonl
imagemeta extract photo.jpg --explain > photo.json
find . -name '*.heic' | imagemeta extract -

Results go to stdout, one after the other in the order of the targets; progress and messages go to stderr. A result
holds what the stored document would hold. What fails is in the output as well, with "status": "failed" and its error.

In folders, hidden and temporary files are passed by and links are not followed. Files in folders that are no images are
skipped and counted, unless their name says that they are images.

\b
Exit codes: 0    all fine
            1    some failed
            2    usage
            3    something was not there, or not allowed
            130  interrupted
"""

import os
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

from typer import Argument, Exit, Option

from worker.cli.formats import Format, writing
from worker.cli.formats import Write as Put
from worker.cli.output import opened
from worker.cli.terminal import EXIT_TERMINATED, fail, say
from worker.entries import Kind, Result
from worker.model import MakerNotes

_SOME_FAILED, _UNREACHABLE = 1, 3

Targets = Annotated[
    list[str],
    Argument(
        metavar="TARGET",
        show_default=False,
        help="Files, folders, gs://BUCKET, gs://BUCKET/PREFIX, gs://BUCKET/OBJECT; - reads targets from stdin.",
    ),
]
Form = Annotated[Format, Option("--format", "-f", help="How results are written.")]
Write = Annotated[
    Path | None, Option("--write", "-w", metavar="FILE", help="Write results to a file: whole, or not at all.")
]
Recursive = Annotated[bool, Option(help="Go into the folders below a folder or prefix.")]
Jobs = Annotated[int, Option("--jobs", "-j", min=0, max=256, help="Processes that read; 0 means one per core.")]
Notes = Annotated[MakerNotes | None, Option(help="When maker notes are read; default: as set, or auto.")]
Explain = Annotated[
    bool,
    Option("--explain", help="Say on stderr where each value came from, what was read, what was skipped, and why."),
]


def extract(
    targets: Targets,
    form: Form = "jsonl",
    write: Write = None,
    recursive: Recursive = True,
    jobs: Jobs = 0,
    makernotes: Notes = None,
    explain: Explain = False,
) -> None:
    """The command; the module's text is its help."""
    from worker.cli.progress import progress
    from worker.scan import count, scan
    from worker.settings import load

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))  # so that a half-written file is taken away
    wanted = _expanded(targets) if "-" in targets else targets
    settings = load(os.environ | ({"IMAGEMETA_MAKERNOTES": makernotes} if makernotes else {}))
    tally: Counter[Kind] = Counter()
    found = scan(wanted, settings, recursive=recursive, processes=jobs, explain=explain)
    shown = progress(lambda: count(wanted, recursive))
    try:
        with opened(write) as out, writing(form, out) as put, shown as advance, closing(found) as results:
            for result in results:
                tally[result.kind] += 1
                advance(result)
                _tell(result, put, explain)
    except OSError as error:
        fail(f"{write or 'stdout'} cannot be written: {error.strerror or error}", _UNREACHABLE)
    _conclude(tally)


def _expanded(targets: Iterable[str]) -> Iterator[str]:
    """The targets, with the lines of stdin in place of `-`."""
    for target in targets:
        if target == "-":
            yield from (os.fsdecode(line.rstrip(b"\r\n")) for line in sys.stdin.buffer if line.strip())
        else:
            yield target


def _tell(result: Result, put: Put, explain: bool) -> None:
    if result.kind is not Kind.SKIPPED:
        put(result.record)
    if explain and result.reason:
        say(f"{result.file}: {result.kind.value}: {result.reason}")
    for note in result.notes:
        say(f"{result.file}: {note}")


def _conclude(tally: Counter[Kind]) -> None:
    """Say what did not go well, if anything, and end with the exit code of it."""
    skipped, failed, unreachable = tally[Kind.SKIPPED], tally[Kind.FAILED], tally[Kind.UNREACHABLE]
    if skipped or failed or unreachable:
        counts = {"read": tally[Kind.READ], "failed": failed, "not there or not allowed": unreachable}
        parts = [f"{count} {what}" for what, count in counts.items() if count or what == "read"]
        say(", ".join(parts + ([f"{skipped} skipped: no images (--explain lists them)"] if skipped else [])))
    if code := _UNREACHABLE if unreachable else _SOME_FAILED if failed else 0:
        raise Exit(code)
