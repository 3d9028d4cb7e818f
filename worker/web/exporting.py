"""Exports through the API and the console: who may have what, as a stream or as a file that a run writes."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from worker import exports
from worker.catalog.query import parse
from worker.errors import Forbidden
from worker.export.forms import FORMATS, Format, format_of
from worker.exports import Known, Wanted
from worker.operate.runs import Run
from worker.shelving import place_of
from worker.site import Site
from worker.web import privacy
from worker.web.download import Abandoned, Download, Turns
from worker.web.runner import Work
from worker.web.viewer import Precision, Scope, Viewer

PACKED = "application/gzip"


def formats_for(viewer: Viewer) -> list[Format]:
    """Those that somebody can have: without maps, where positions are hidden from them."""
    hidden = viewer.position is Precision.HIDDEN
    return [form for form in FORMATS.values() if not (hidden and form.places)]


def permitted(viewer: Viewer, wanted: Wanted) -> Wanted:
    """What is asked for, as far as this viewer may have it. Raises Forbidden, Misconfigured and QueryError."""
    viewer.must(Scope.EXPORT)
    if format_of(wanted.form, "").places:
        privacy.seen(0, viewer.position)
    return replace(wanted, query=str(privacy.asked(wanted.query, viewer.position)))


def download(site: Site, turns: Turns, viewer: Viewer, wanted: Wanted) -> Download:
    """The file as it is made, of what this viewer may see; what cannot be answered is raised before it begins."""
    allowed = permitted(viewer, wanted)
    gone = threading.Event()
    pieces = exports.stream(site, allowed, _seeing(viewer, gone))
    site.catalog.page(parse(allowed.query), limit=1)
    return Download(pieces, name_of(allowed), _media_type(allowed.form, packed=allowed.gzip), turns, gone)


def name_of(wanted: Wanted) -> str:
    """What a file is called of which nobody said the name: `images-2026-11-25.csv.gz`."""
    ending = FORMATS[wanted.form].names[0]
    name = f"images-{datetime.now(UTC):%Y-%m-%d}{ending}" if ending.startswith(".") else ending
    return f"{name}.gz" if wanted.gzip else name


# --- files that runs write -----------------------------------------------------------------------------------


def must_write(viewer: Viewer) -> None:
    """Raise Forbidden unless somebody may have exports written, which hold what is known, exactly."""
    viewer.must(Scope.EXPORT)
    viewer.must(Scope.OPERATE)
    if viewer.position is not Precision.EXACT:
        raise Forbidden("a file that is written has exact positions, which are not for you: download one instead")


def writing(site: Site, viewer: Viewer, wanted: Wanted, name: str, *, fresh: bool = False) -> Work:
    """What has the export written under that name, or goes on with it. Raises Forbidden and Misconfigured."""
    must_write(viewer)
    place = place_of(site.settings, name)
    wanted.order(name)

    def work(site: Site, watch: Callable[[Run], None]) -> Run:
        return exports.export(site, wanted, place, watch, fresh=fresh).run

    return work


def finished(site: Site, turns: Turns, viewer: Viewer, name: str) -> Download | None:
    """A file that was written; None where there is none of that name."""
    viewer.must(Scope.EXPORT)
    if viewer.position is not Precision.EXACT:
        raise Forbidden("this file has exact positions, which are not for you: export what you may see")
    found = exports.content(site, name)
    if found is None:
        return None
    known, pieces = found
    return Download(pieces, name, _media_type(known.series.format, packed=known.series.packed), turns)


def written_by(site: Site, run: Run) -> Known | None:
    """What a run has written, once it is whole."""
    return next((each for each in exports.known(site) if each.series.run == run.id), None)


def _media_type(form: str, *, packed: bool) -> str:
    return PACKED if packed else FORMATS[form].content_type


def _seeing(viewer: Viewer, gone: threading.Event) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def seen(fields: dict[str, Any]) -> dict[str, Any]:
        if gone.is_set():
            raise Abandoned("whoever asked has gone")
        shown: dict[str, Any] = privacy.shown(fields, viewer.position)
        return shown

    return seen
