"""The buckets: that each is there, announces what happens to it, and may be read."""

from collections import Counter
from collections.abc import Iterator, Sequence

from worker.inspection import CloudInspection, ConfigFacts
from worker.operate import remedies
from worker.operate.findings import Finding, amiss, asked, broken, known, well
from worker.operate.queue_checks import topic_of
from worker.operate.remedies import EVENTS, PAYLOAD, project_of, short, then
from worker.operate.wanted import Wanted

PUBLISHERS = ("roles/pubsub.publisher", "roles/pubsub.editor", "roles/pubsub.admin", "roles/editor", "roles/owner")
_VIEWER = "roles/storage.objectViewer"
READS = ("storage.objects.get", "storage.objects.list")


def buckets(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    """Every bucket, one after the other."""
    for bucket in wanted.buckets:
        yield from asked(f"bucket {bucket}", _exists(look, wanted, bucket))
        # The grant comes first: a bucket that may not publish cannot be told to.
        yield from asked(f"publisher {bucket}", _publisher(look, wanted, bucket))
        yield from asked(f"notification {bucket}", _notification(look, wanted, bucket))
        yield from asked(f"reads {bucket}", _reads(look, wanted, bucket))


def _exists(look: CloudInspection, wanted: Wanted, bucket: str) -> Iterator[Finding]:
    name = f"bucket {bucket}"
    facts = look.bucket(bucket)
    if facts:
        yield well(name, f"it is there, in {facts.location}")
        return
    database = known(look.database)
    location = database.location if database else ""
    command = then(
        remedies.create_bucket(bucket, project_of(wanted.subscription), location),
        known(lambda: _told(look, wanted, bucket)) or "",
        remedies.grant(f"buckets/{bucket}", _VIEWER, wanted.account) if wanted.account else "",
    )
    yield broken(name, "there is no such bucket", command)


def _told(look: CloudInspection, wanted: Wanted, bucket: str) -> str:
    """Have a new bucket announce, if there is a topic to announce to."""
    topic = topic_of(look, wanted)
    if not topic or not look.topic(topic):
        return ""
    agent = f"serviceAccount:{look.bucket_agent(bucket)}"
    return then(remedies.grant(topic, PUBLISHERS[0], agent), remedies.announce(bucket, topic))


def _publisher(look: CloudInspection, wanted: Wanted, bucket: str) -> Iterator[Finding]:
    topic = topic_of(look, wanted)
    if not topic or not look.topic(topic) or not look.bucket(bucket):
        return
    name, agent = f"publisher {bucket}", f"serviceAccount:{look.bucket_agent(bucket)}"
    if any(agent in look.members(topic, role) for role in PUBLISHERS):
        yield well(name, f"Cloud Storage may publish to {short(topic)}")
    else:
        meaning = f"Cloud Storage's account may not publish to {short(topic)}, so what happens to the bucket is lost"
        yield broken(name, meaning, remedies.grant(topic, PUBLISHERS[0], agent))


def _notification(look: CloudInspection, wanted: Wanted, bucket: str) -> Iterator[Finding]:
    topic = topic_of(look, wanted)
    if not topic or not look.bucket(bucket):
        return
    configs = look.configs(bucket)
    yield _judged(bucket, topic, [config for config in configs if config.topic == topic], configs)


def _judged(bucket: str, topic: str, ours: Sequence[ConfigFacts], configs: Sequence[ConfigFacts]) -> Finding:
    name = f"notification {bucket}"
    if not ours:
        others = ", ".join(sorted({short(config.topic) for config in configs}))
        elsewhere = f"; it announces to {others}" if others else ""
        meaning = f"the bucket announces nothing to {short(topic)}{elsewhere}"
        return broken(name, meaning, remedies.announce(bucket, topic))
    if missing := _unannounced(ours):
        meaning = f"it does not announce {', '.join(missing)}, so documents are missing or stay as they were"
        return broken(name, meaning, _replaced(bucket, topic, ours))
    if any(config.payload != PAYLOAD for config in ours):
        meaning = "it announces without the object's facts, so each image costs the worker another request"
        return amiss(name, meaning, _replaced(bucket, topic, ours))
    if doubled := _doubled(ours):
        command = then(*(remedies.withdraw(bucket, topic, config.id) for config in doubled))
        return amiss(name, "it announces everything more than once", command)
    prefixes = ", ".join(sorted({config.prefix for config in ours if config.prefix}))
    return well(name, f"it announces all events{f' below {prefixes}' if prefixes else ''}")


def _unannounced(ours: Sequence[ConfigFacts]) -> list[str]:
    """Events that happen below one of the prefixes and are not told."""
    return [
        event
        for event in EVENTS
        if not all(
            any(event in other.events and config.prefix.startswith(other.prefix) for other in ours) for config in ours
        )
    ]


def _replaced(bucket: str, topic: str, ours: Sequence[ConfigFacts]) -> str:
    """A whole configuration for each prefix, before the others go: twice is harmless, not at all is a loss."""
    wholes = dict.fromkeys((config.prefix, config.attributes) for config in ours)
    made = [remedies.announce(bucket, topic, prefix, attributes) for prefix, attributes in wholes]
    return then(*made, *(remedies.withdraw(bucket, topic, config.id) for config in ours))


def _doubled(ours: Sequence[ConfigFacts]) -> list[ConfigFacts]:
    """Configurations that say no more than one before them."""
    said: Counter[tuple[str, str]] = Counter()
    extra = []
    for config in ours:
        told = [(event, config.prefix) for event in config.events]
        if all(said[each] for each in told):
            extra.append(config)
        said.update(told)
    return extra


def _reads(look: CloudInspection, wanted: Wanted, bucket: str) -> Iterator[Finding]:
    name, resource = f"reads {bucket}", f"buckets/{bucket}"
    if look.bucket(bucket) is None:
        return
    lacking = [each for each in READS if each not in look.permitted(resource, READS)]
    if lacking:
        command = remedies.grant(resource, _VIEWER, wanted.account or look.account())
        yield broken(name, f"these credentials may not read it: {', '.join(lacking)}", command)
    else:
        yield well(name, "these credentials may read it")
