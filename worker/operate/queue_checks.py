"""The queue: topic, subscription, and where messages go that nobody can deliver."""

from collections.abc import Iterator

from worker.inspection import CloudInspection, SubscriptionFacts
from worker.operate import remedies
from worker.operate.findings import Finding, amiss, asked, broken, known, well
from worker.operate.remedies import ATTEMPTS, BACKOFF, attempts_beyond, give_up, project_of, short, then
from worker.operate.wanted import Wanted

DELETED = "_deleted-topic_"
_PUBLISHER, _SUBSCRIBER = "roles/pubsub.publisher", "roles/pubsub.subscriber"
_SHORTEST, _LONGEST = 10, 600


def topic_of(look: CloudInspection, wanted: Wanted) -> str:
    """The topic that there should be, or the one that the subscription is on; empty where neither is known."""
    if wanted.topic:
        return wanted.topic
    facts = look.subscription(wanted.subscription)
    return facts.topic if facts and facts.topic != DELETED else ""


def topic(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    """That it is there, and may be published to by whoever asks: jobs do."""
    name = topic_of(look, wanted)
    if not name:
        return
    label = f"topic {short(name)}"
    if not look.topic(name):
        yield broken(label, "there is no such topic, so nothing can be announced", remedies.create_topic(name))
        return
    yield well(label, "it is there")
    if wanted.topic:
        yield from asked(f"publishes {short(name)}", _publishes(look, wanted, name))


def _publishes(look: CloudInspection, wanted: Wanted, topic: str) -> Iterator[Finding]:
    label = f"publishes {short(topic)}"
    if look.permitted(topic, ("pubsub.topics.publish",)):
        yield well(label, "these credentials may publish to it")
    else:
        command = remedies.grant(topic, _PUBLISHER, wanted.account or look.account())
        yield amiss(label, "these credentials may not publish to it, which backfill and replay need", command)


def subscription(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    """That it is there, on this topic, and set as it should be."""
    name, facts = wanted.subscription, look.subscription(wanted.subscription)
    label, on = f"subscription {short(name)}", topic_of(look, wanted)
    if not on:
        yield broken(label, "no topic is known for it", "export IMAGEMETA_TOPIC=pubsub://PROJECT/TOPIC")
        return
    if facts is None:
        yield broken(label, "there is no such subscription, so no worker can start", _created(look, wanted, on))
        return
    anew = then(remedies.delete_subscription(name), _created(look, wanted, on))
    if facts.topic != on:
        yield broken(label, f"it is on {short(facts.topic)}, not on {short(on)}; what waits on it goes with it", anew)
        return
    yield well(label, f"it is there, on {short(on)}")
    yield _filter(facts, anew)
    for judge in (_deadline, _expiry, _retention, _exactly_once, _back_off, _delivery):
        yield judge(facts, wanted)
    if not wanted.pushed:
        yield from asked(f"pulls {short(name)}", _pulls(look, wanted))


def _created(look: CloudInspection, wanted: Wanted, topic: str) -> str:
    """The worker's subscription, with its dead letters and what is granted on it."""
    name = wanted.subscription
    last = _last_place(look, wanted)
    policy = give_up(last, attempts_beyond(wanted.max_attempts)) if last else ()
    flags = (f"--ack-deadline={wanted.lease_seconds}", "--message-retention-duration=7d", "--retain-acked-messages")
    made = remedies.create_subscription(name, topic, *flags, *BACKOFF, *policy)
    agent = known(look.queue_agent) if last else None
    grants = [f"serviceAccount:{agent}"] if agent else []
    grants += [wanted.account] if wanted.account and not wanted.pushed else []
    return then(made, *(remedies.grant(name, _SUBSCRIBER, member) for member in grants), _pushed(wanted))


def _last_place(look: CloudInspection, wanted: Wanted) -> str:
    """The topic for dead letters: the subscription's, or that of those that the settings name; or none is known."""
    facts = look.subscription(wanted.subscription)
    if facts and facts.dead_letter_topic not in {"", DELETED}:
        return facts.dead_letter_topic
    kept = look.subscription(wanted.dead_letters) if wanted.dead_letters else None
    return kept.topic if kept and kept.topic != DELETED else ""


def _pushed(wanted: Wanted) -> str:
    """Where the worker is pushed to, and that is known."""
    if not wanted.pushed or not wanted.push_endpoint:
        return ""
    return remedies.push_to(wanted.subscription, wanted.push_endpoint, wanted.push_account, wanted.push_audience)


# --- how it delivers ---------------------------------------------------------------------------------------


def _filter(facts: SubscriptionFacts, command: str) -> Finding:
    if not facts.filter:
        return well("filter", "every event is delivered")
    meaning = f"only events with {facts.filter} are delivered; a filter cannot be changed, and what waits goes with it"
    return broken("filter", meaning, command)


def _deadline(facts: SubscriptionFacts, wanted: Wanted) -> Finding:
    name, flag = "deadline", f"--ack-deadline={wanted.lease_seconds}"
    command = remedies.update_subscription(wanted.subscription, flag)
    if not _SHORTEST <= facts.ack_seconds <= _LONGEST:
        return broken(name, f"{facts.ack_seconds} s is outside what Pub/Sub takes", command)
    if facts.ack_seconds != wanted.lease_seconds:
        meaning = f"what a killed worker held comes again after {facts.ack_seconds} s, not {wanted.lease_seconds} s"
        return amiss(name, meaning, command)
    return well(name, f"what a killed worker held comes again after {facts.ack_seconds} s")


def _expiry(facts: SubscriptionFacts, wanted: Wanted) -> Finding:
    if not facts.expires:
        return well("expiry", "it never expires")
    command = remedies.update_subscription(wanted.subscription, "--expiration-period=never")
    return broken("expiry", "Pub/Sub deletes it when nobody pulls for long, and what is uploaded then is lost", command)


def _retention(facts: SubscriptionFacts, wanted: Wanted) -> Finding:
    if facts.retains_acked:
        return well("retention", "acknowledged messages are kept, and can be replayed")
    command = remedies.update_subscription(wanted.subscription, "--retain-acked-messages")
    return amiss("retention", "acknowledged messages are not kept, so nothing can be replayed", command)


def _exactly_once(facts: SubscriptionFacts, wanted: Wanted) -> Finding:
    if not facts.exactly_once:
        return well("exactly-once", "it is off: the write ladder does it")
    command = remedies.update_subscription(wanted.subscription, "--no-enable-exactly-once-delivery")
    return amiss("exactly-once", "exactly-once delivery is on: it slows everything, and the worker needs none", command)


def _back_off(facts: SubscriptionFacts, wanted: Wanted) -> Finding:
    if facts.backs_off:
        return well("back-off", "what fails comes again after growing pauses")
    command = remedies.update_subscription(wanted.subscription, *BACKOFF)
    return amiss("back-off", "what fails comes again at once, and its attempts are soon used up", command)


def _delivery(facts: SubscriptionFacts, wanted: Wanted) -> Finding:
    name, command = "delivery", _delivered(facts, wanted)
    if not wanted.pushed:
        if facts.push_endpoint:
            return broken(name, f"messages are pushed to {facts.push_endpoint}, and none can be pulled", command)
        return well(name, "messages are pulled")
    if not facts.push_endpoint:
        return broken(name, "messages wait to be pulled, but the worker waits for a push", command)
    if wanted.push_endpoint not in {"", facts.push_endpoint}:
        return broken(name, f"messages are pushed to {facts.push_endpoint}, not {wanted.push_endpoint}", command)
    if (facts.push_account, facts.push_audience) != (wanted.push_account, wanted.push_audience):
        return broken(name, "messages are pushed with a token that the worker refuses", command)
    return well(name, f"messages are pushed to {facts.push_endpoint}")


def _delivered(facts: SubscriptionFacts, wanted: Wanted) -> str:
    if not wanted.pushed:
        return remedies.push_to(wanted.subscription, "")
    if endpoint := wanted.push_endpoint or facts.push_endpoint:
        return remedies.push_to(wanted.subscription, endpoint, wanted.push_account, wanted.push_audience)
    return "imagemeta doctor --push-endpoint https://ADDRESS-OF-THE-WORKER/"


def _pulls(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    label, resource = f"pulls {short(wanted.subscription)}", wanted.subscription
    if look.permitted(resource, ("pubsub.subscriptions.consume",)):
        yield well(label, "these credentials may pull from it")
    else:
        command = remedies.grant(resource, _SUBSCRIBER, wanted.account or look.account())
        yield broken(label, "these credentials may not pull from it", command)


# --- dead letters ------------------------------------------------------------------------------------------


def dead_letters(look: CloudInspection, wanted: Wanted) -> Iterator[Finding]:
    """That what cannot be delivered goes where somebody finds it."""
    facts = look.subscription(wanted.subscription)
    if facts is None:
        return
    if facts.dead_letter_topic in {"", DELETED} or not look.topic(facts.dead_letter_topic):
        yield _homeless(look, wanted, facts)
        return
    topic = facts.dead_letter_topic
    yield _attempts(facts, wanted)
    yield _kept(look, wanted, topic)
    agent = f"serviceAccount:{look.queue_agent()}"
    for resource, role, does in ((topic, _PUBLISHER, "forward"), (wanted.subscription, _SUBSCRIBER, "take away")):
        yield from asked(f"agent {short(resource)}", _forwards(look, resource, role, does, agent))


def _homeless(look: CloudInspection, wanted: Wanted, facts: SubscriptionFacts) -> Finding:
    topic = _dead_letter_topic(wanted)
    steps = [] if look.topic(topic) else [remedies.create_topic(topic)]
    kept = not steps and look.subscriptions(topic)
    keep = "" if kept else _dead_letter_subscription(look, wanted, topic)
    agent = known(look.queue_agent)
    grants = ((topic, _PUBLISHER), (wanted.subscription, _SUBSCRIBER)) if agent else ()
    granted = (remedies.grant(resource, role, f"serviceAccount:{agent}") for resource, role in grants)
    policy = give_up(topic, attempts_beyond(wanted.max_attempts))
    command = then(*steps, keep, *granted, remedies.update_subscription(wanted.subscription, *policy))
    if facts.dead_letter_topic:
        return broken("dead letters", "their topic is gone, so what cannot be delivered comes again and again", command)
    return broken("dead letters", "there is no place for them: what cannot be delivered comes again and again", command)


def _dead_letter_topic(wanted: Wanted) -> str:
    known = short(wanted.dead_letters) or f"{short(wanted.subscription)}-dead-letters"
    return f"projects/{project_of(wanted.subscription)}/topics/{known}"


def _dead_letter_subscription(look: CloudInspection, wanted: Wanted, topic: str) -> str:
    """A subscription of a name that is free: one that lost its topic may still hold dead letters."""
    first = wanted.dead_letters or f"projects/{project_of(topic)}/subscriptions/{short(topic)}"
    names = (first, *(f"{first}-{number}" for number in range(2, 100)))
    free = next((name for name in names if look.subscription(name) is None), first)
    return remedies.create_subscription(free, topic, "--ack-deadline=60", "--message-retention-duration=31d")


def _attempts(facts: SubscriptionFacts, wanted: Wanted) -> Finding:
    name = "attempts"
    policy = give_up(facts.dead_letter_topic, attempts_beyond(wanted.max_attempts))
    command = remedies.update_subscription(wanted.subscription, *policy)
    if facts.max_attempts <= wanted.max_attempts:
        meaning = f"Pub/Sub gives up after {facts.max_attempts} attempts, before the worker writes down why at its"
        return broken(name, f"{meaning} {wanted.max_attempts}th", command)
    if facts.max_attempts < ATTEMPTS:
        meaning = f"{facts.max_attempts} attempts are few: restarts of workers count as well"
        return amiss(name, meaning, command)
    return well(name, f"Pub/Sub gives up after {facts.max_attempts} attempts, the worker after {wanted.max_attempts}")


def _kept(look: CloudInspection, wanted: Wanted, topic: str) -> Finding:
    label, found = f"dead letters {short(topic)}", look.subscriptions(topic)
    if wanted.dead_letters and found and wanted.dead_letters not in found:
        meaning = f"IMAGEMETA_DEAD_LETTERS is not on this topic, but {short(found[0])} is"
        url = f"pubsub://{project_of(found[0])}/{short(found[0])}"
        return amiss(label, meaning, f"export IMAGEMETA_DEAD_LETTERS={url}")
    if not found:
        command = _dead_letter_subscription(look, wanted, topic)
        return broken(label, "nobody subscribes to their topic, so what cannot be delivered is lost", command)
    return well(label, f"what cannot be delivered is kept by {short(found[0])}")


def _forwards(look: CloudInspection, resource: str, role: str, does: str, agent: str) -> Iterator[Finding]:
    label, kinds = f"agent {short(resource)}", (role, "roles/pubsub.editor", "roles/pubsub.admin")
    if any(agent in look.members(resource, each) for each in kinds):
        yield well(label, f"Pub/Sub's account may {does} dead letters")
    else:
        meaning = f"Pub/Sub's account may not {does} dead letters, so what cannot be delivered comes again and again"
        yield broken(label, meaning, remedies.grant(resource, role, agent))
