"""The bulk actions, for commands and console alike: what to look at, how fast, and the run that says how far it is."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from worker import promotions
from worker.catalog.query import Query
from worker.catalog.tag_values import slug
from worker.operate import again, backfill, pause, quarantine, reconcile, replay
from worker.operate import promote as promoting
from worker.operate.backfill import Estimate, Select
from worker.operate.conveyor import Conveyor, Item, Tally, Watch, tally
from worker.operate.pace import Pace
from worker.operate.promote import Extent
from worker.operate.reconcile import Finding, Kind
from worker.operate.runs import Run, State, rehearsal
from worker.operate.scope import Scope
from worker.operate.status import alive
from worker.ports import Rewind
from worker.site import Site


@dataclass(frozen=True, slots=True)
class Options:
    """How a bulk action goes about: messages a second (None: by the ramp), messages at most in this call (None: all),
    whether the collection is `warm`, so that no ramp is needed, and whether an unfinished run is left alone."""

    rate: float | None = None
    cap: int | None = None
    warm: bool = False
    fresh: bool = False


def carry(site: Site, run: Run, items: Iterator[Item], options: Options, watch: Watch) -> Run:
    """Publish the items of a run."""
    pace = Pace(site.clock, options.rate, warm=options.warm)
    # A mark that loses its race was overtaken by the worker: all the better.
    conveyor = Conveyor(site.publisher, site.ledger, pace, watch, lambda marks: site.documents.commit(marks))
    return conveyor.carry(run, items, options.cap)


def fill(site: Site, scope: Scope, select: Select, options: Options, watch: Watch) -> Run:
    """Backfill one scope, or go on with the run that was killed."""
    run = site.ledger.begin("backfill", f"{scope} --{select}", fresh=options.fresh)
    return carry(site, run, backfill.items(scope, select, site.objects, site.documents, run), options, watch)


def rehearse_fill(site: Site, scope: Scope, select: Select) -> Estimate:
    """How many objects would be announced, and what reading them would come to."""
    found = Estimate()
    for found in backfill.estimate(scope, select, site.objects, site.documents, site.settings.limits):  # noqa: B007 -- the last
        pass
    return found


def redrive(site: Site, filter_text: str, options: Options, watch: Watch, *, release: bool) -> Run:
    """Send failures back to the queue."""
    query = again.failed_ones(filter_text)
    scope = f"{filter_text or 'all failures'}{' --release' if release else ''}"
    run = site.ledger.begin("redrive", scope, fresh=options.fresh)
    items = again.redriven(site.catalog, site.documents, query, run, release=release)
    return carry(site, run, items, options, watch)


def rehearse_redrive(site: Site, filter_text: str, *, release: bool) -> Tally:
    """How many failures would go back, and how many would be refused."""
    query = again.failed_ones(filter_text)
    return tally(again.redriven(site.catalog, site.documents, query, rehearsal("redrive"), release=release))


def reextract(site: Site, filter_text: str, options: Options, watch: Watch, *, partial: bool) -> Run:
    """Have documents made anew from their objects."""
    query, wanted = _to_reextract(filter_text, partial)
    scope = f"{filter_text} {'--partial' if partial else '--outdated'} (recipe {site.recipe})".strip()
    run = site.ledger.begin("reextract", scope, fresh=options.fresh)
    items = again.reextracted(site.catalog, site.documents, query, run, site.recipe, wanted)
    return carry(site, run, items, options, watch)


def rehearse_reextract(site: Site, filter_text: str, *, partial: bool) -> Tally:
    """How many documents would be made anew."""
    query, wanted = _to_reextract(filter_text, partial)
    run = rehearsal("reextract")
    return tally(again.reextracted(site.catalog, site.documents, query, run, site.recipe, wanted))


def reextract_one(site: Site, key: str, uri: str, watch: Watch) -> Run:
    """Have one document made anew, whatever recipe made it."""
    run = site.ledger.begin("reextract", uri, fresh=True)
    return carry(site, run, again.reextracted_again([key], site.reader, site.documents, run), Options(), watch)


def set_aside(site: Site, filter_text: str, watch: Watch) -> Run:
    """Quarantine failures: their objects are not read again until they are released."""
    query = again.failed_ones(filter_text)
    run = site.ledger.begin(quarantine.ACTION, filter_text or "all failures")
    pace = Pace(site.clock, warm=True)  # as many documents as before, none of them new
    return quarantine.quarantined(site.catalog, site.documents, query, run, site.ledger, pace, watch)


def rehearse_set_aside(site: Site, filter_text: str) -> int:
    """How many failures are not set aside yet."""
    return quarantine.free(site.catalog, again.failed_ones(filter_text))


def replay_documents(site: Site, since: datetime, options: Options, watch: Watch) -> Run:
    """Send the messages that the documents of late came from."""
    run = site.ledger.begin("replay", f"from the store since {since:%Y-%m-%dT%H:%M:%SZ}", fresh=options.fresh)
    return carry(site, run, replay.items(site.reader, since, run), options, watch)


def replay_queue(site: Site, rewind: Rewind, since: datetime) -> Run:
    """Have the queue deliver again what was published since."""
    run = site.ledger.begin("replay", f"by the queue since {since:%Y-%m-%dT%H:%M:%SZ}", fresh=True)
    replay.seek(rewind, since)
    return site.ledger.save(dataclasses.replace(run, state=State.DONE))


def differences(
    site: Site,
    scope: Scope,
    since: datetime | None,
    options: Options | None,
    watch: Watch,
    found: Callable[[Finding], None],
) -> Run | None:
    """Tell `found` of each difference between a bucket and its documents; with options, publish what mends them.

    Failures go back as `redrive` would send them.
    """
    if options is None:
        for finding in reconcile.findings(scope, site.objects, site.catalog, since):
            if finding:
                found(finding)
        return None
    run = site.ledger.begin(
        "reconcile", f"{scope}{f' --since {since:%Y-%m-%dT%H:%M:%SZ}' if since else ''}", fresh=True
    )
    return carry(site, run, _repairs(site, scope, since, run, found), options, watch)


def _repairs(
    site: Site, scope: Scope, since: datetime | None, run: Run, found: Callable[[Finding], None]
) -> Iterator[Item]:
    failed: list[str] = []
    for finding in reconcile.findings(scope, site.objects, site.catalog, since):
        if finding:
            found(finding)
            if finding.kind is Kind.FAILED and finding.stored:
                failed.append(finding.stored.key)
        yield Item(reconcile.repair(finding, scope.bucket, run) if finding else None)
        if len(failed) == again.AT_ONCE:
            yield from again.redriven_again(failed, site.reader, site.documents, run)
            failed = []
    yield from again.redriven_again(failed, site.reader, site.documents, run)


def resume(site: Site, bucket: str, watch: Watch, seconds: float) -> tuple[pause.Pause, Run]:
    """Turn a bucket's announcements on again, and after so many seconds announce what it did not announce meanwhile."""
    lifted = pause.resume(bucket, site.intake, site.records, lambda: site.clock.sleep(seconds))
    run = site.ledger.begin("resume", f"gs://{bucket}", fresh=True)
    done = carry(site, run, pause.missed(bucket, site.objects, site.catalog, run), Options(), watch)
    pause.lift(bucket, site.records)
    return lifted, done


def _to_reextract(filter_text: str, partial: bool) -> tuple[Query, again.Wanted]:
    if partial:
        return again.partial_ones(filter_text), again.improvable
    return again.documents_of(filter_text), again.outdated


def promote(site: Site, name: str, options: Options, watch: Watch) -> Run:
    """Have a tag kept where searches find it: by all workers from now on, and then by every document there is."""
    before = promotions.names(promotions.listed(site.records))
    kept = promotions.added(site.records, name, site.ledger.who)
    run = site.ledger.begin(promoting.ACTION, name, fresh=options.fresh or kept.slug not in before)
    _until_all_know(site)
    pace = Pace(site.clock, options.rate, warm=options.warm)
    done = promoting.Filling(site.reader, site.documents, site.ledger, pace, watch).fill(run, {kept.slug: name})
    promotions.keep(site.records, dataclasses.replace(kept, filled=True))
    return done


def rehearse_promote(site: Site, name: str) -> Extent:
    """How many documents would be looked at, and written."""
    return promoting.extent(site.reader, {slug(promotions.named(name)): name})


def demote(site: Site, name: str) -> None:
    """Have a tag kept no longer. What documents hold of it stays, and is asked for no more."""
    kept = promotions.one(site.records, name)
    promotions.keep(site.records, dataclasses.replace(kept, filled=False))
    _until_all_know(site)  # searches stop to rely on it before workers stop to keep it
    site.records.drop(promotions.KIND, kept.slug)


def _until_all_know(site: Site) -> None:
    """In a folder, whoever works is known; in the cloud there may be workers that only requests wake."""
    if not site.settings.documents.startswith("sqlite:") or alive(site.records, datetime.now(UTC)):
        site.clock.sleep(promotions.SETTLED)
