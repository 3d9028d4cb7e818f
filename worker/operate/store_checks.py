"""The documents: their database, its indexes, and where it is."""

from collections.abc import Iterator
from functools import partial

from worker.document import UNINDEXED
from worker.indexes import COMPOSITE, EXEMPT, Index
from worker.inspection import CloudInspection
from worker.operate import remedies
from worker.operate.findings import Finding, amiss, asked, broken, known, well
from worker.operate.remedies import then
from worker.operate.wanted import Wanted

_WITHIN: dict[str, tuple[str, ...]] = {
    "us": ("nam", "us-", "northamerica-"),
    "eu": ("eur3", "europe-"),
    "asia": ("asia-",),
    "nam4": ("us-central1", "us-east1"),
    "eur4": ("europe-north1", "europe-west4"),
    "asia1": ("asia-northeast",),
    "us-central1": ("nam5",),
    "europe-west1": ("eur3",),
    "europe-west4": ("eur3",),
}
"""Places of buckets, and what the names of a database's places begin with that are in them, or they in those."""
_PREFERRED = {"us": "nam5", "eu": "eur3", "asia": "asia-northeast1", "nam4": "us-central1"} | {
    "eur4": "europe-west4",
    "asia1": "asia-northeast1",
}


def database(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    """That it is there, takes documents, and may be written."""
    name, facts = f"database {wanted.database}", look.database()
    if facts is None:
        command = remedies.create_database(wanted.project, wanted.database, _best_place(look, wanted))
        yield broken(name, "there is no such database, so nothing can be written", command)
        return
    if not facts.native:
        meaning = "it is in Datastore mode, which has no documents: another one of this project has to take them"
        yield broken(name, meaning, _another(wanted, facts.location))
        return
    yield well(name, f"it is there, in native mode, in {facts.location}")
    yield from asked(f"writes {wanted.database}", _writes(look, wanted))


def _another(wanted: Wanted, location: str) -> str:
    """Another database, and the setting that names it."""
    name = "imagemeta" if wanted.database != "imagemeta" else "imagemeta-documents"
    setting = f"export IMAGEMETA_DOCUMENTS=firestore://{wanted.project}/{name}/{wanted.collection}"
    return then(remedies.create_database(wanted.project, name, location), setting)


def _writes(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    name = f"writes {wanted.database}"
    if look.writes():
        yield well(name, "these credentials may write documents")
    else:
        command = remedies.grant_database(wanted.project, wanted.database, wanted.account or look.account())
        yield broken(name, "these credentials may not write documents", command)


def indexes(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    """That every query has its index, and no field has one that harms."""
    facts = look.database()
    if facts is None or not facts.native:
        return
    found = look.collection()
    place = (wanted.project, wanted.database, wanted.collection)
    missing = [index for index in COMPOSITE if index not in found.indexes]
    unfit = [index for index in COMPOSITE if found.indexes.get(index, "READY") != "READY"]
    for index in missing:
        meaning = f"searches that need an index of {_named(index)} fail"
        yield broken(f"index {_named(index)}", meaning, remedies.create_index(*place, index))
    for index in unfit:
        meaning = f"it is {found.indexes[index]}: queries fail until it is READY"
        command = f"gcloud firestore operations list --project={wanted.project} --database='{wanted.database}'"
        yield amiss(f"index {_named(index)}", meaning, command)
    if not missing and not unfit:
        yield well("indexes", f"all {len(COMPOSITE)} composite indexes are ready")
    yield from _exemptions(place, found.exempt)


def _exemptions(place: tuple[str, str, str], exempt: frozenset[str]) -> Iterator[Finding]:
    missing = [field for field in EXEMPT if field not in exempt]
    if not missing:
        yield well("exemptions", f"{len(EXEMPT)} fields have no index")
        return
    command = then(*(remedies.exempt(*place, field) for field in missing))
    if large := [field for field in missing if field in UNINDEXED]:
        meaning = f"{', '.join(large)} are indexed: documents with many tags may be refused, and all cost more"
        yield broken("exemptions", meaning, command)
    else:
        yield amiss(
            "exemptions", f"{', '.join(missing)} are indexed, which costs and bounds the rate of writes", command
        )


# --- where it is -------------------------------------------------------------------------------------------


def regions(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    """That buckets and database are close to each other."""
    facts = look.database()
    if facts is None:
        return
    for bucket in wanted.buckets:
        found = look.bucket(bucket)
        if found is None:
            continue
        if same_place(found.location, facts.location):
            yield well(f"region {bucket}", f"bucket and database are both in {facts.location}")
        else:
            meaning = f"the bucket is in {found.location}, the database in {facts.location}: slower, and traffic costs"
            yield amiss(f"region {bucket}", meaning, _another(wanted, _place(found.location)))


def same_place(bucket: str, database: str) -> bool:
    """Whether a bucket's location is, holds, or is held by that of a database."""
    return database.lower() == bucket.lower() or database.lower().startswith(_WITHIN.get(bucket.lower(), ("-",)))


def _place(location: str) -> str:
    """Where a database stands next to a bucket."""
    return _PREFERRED.get(location.lower(), location.lower())


def _best_place(look: CloudInspection, wanted: Wanted) -> str:
    asked_for = (known(partial(look.bucket, bucket)) for bucket in wanted.buckets)
    found = next((facts for facts in asked_for if facts), None)
    return _place(found.location) if found else "nam5"


def _named(index: Index) -> str:
    """An index by its fields."""
    return ", ".join(field for field, _ in index)
