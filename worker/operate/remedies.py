"""The commands that mend a cloud set-up, complete with names, as a shell takes them.

Topics and subscriptions are full names (`projects/P/topics/T`); a member is as IAM writes it, or empty for whoever is
logged in. The figures are those of docs/operations.md.
"""

import shlex
from collections.abc import Iterable

ATTEMPTS = 20
"""Delivery attempts until Pub/Sub gives up on a message, at least."""
EVENTS = ("OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE", "OBJECT_METADATA_UPDATE")
PAYLOAD = "JSON_API_V1"
BACKOFF = ("--min-retry-delay=10s", "--max-retry-delay=600s")

_MYSELF = '"user:$(gcloud config get account)"'


def then(*commands: str) -> str:
    """One after the other, as long as they succeed."""
    return " && ".join(command for command in commands if command)


def short(name: str) -> str:
    """The last part of a full name."""
    return name.rpartition("/")[2]


def project_of(name: str) -> str:
    """The project of a full name."""
    return name.split("/")[1]


def attempts_beyond(max_attempts: int) -> int:
    """Attempts that leave the worker time to write down why it fails."""
    return min(100, max(ATTEMPTS, 2 * max_attempts))


# --- who may what ------------------------------------------------------------------------------------------


def log_in() -> str:
    """Valid credentials for this machine's user."""
    return then("unset GOOGLE_APPLICATION_CREDENTIALS", "gcloud auth application-default login")


def enable(api: str, project: str) -> str:
    """Have a project use an API."""
    return _gcloud("services", "enable", f"{api}.googleapis.com", f"--project={project}")


def grant(resource: str, role: str, member: str) -> str:
    """A role on a topic, a subscription or a bucket."""
    kind, name = resource.split("/")[-2:]
    what = ["storage", "buckets"] if kind == "buckets" else ["pubsub", kind]
    target = [f"gs://{name}"] if kind == "buckets" else [name, f"--project={project_of(resource)}"]
    words = _gcloud(*what, "add-iam-policy-binding", *target, f"--role={role}")
    return f"{words} --member={_member(member)}"


def grant_database(project: str, database: str, member: str) -> str:
    """To read and write the documents of one database."""
    condition = f'title=one_database,expression=resource.name == "projects/{project}/databases/{database}"'
    words = _gcloud("projects", "add-iam-policy-binding", project, "--role=roles/datastore.user")
    return f"{words} --member={_member(member)} {shlex.quote(f'--condition={condition}')}"


def _member(member: str) -> str:
    return shlex.quote(member) if member else _MYSELF


# --- bucket ------------------------------------------------------------------------------------------------


def create_bucket(bucket: str, project: str, location: str) -> str:
    """A bucket in a region."""
    where = (f"--location={location}",) if location else ()
    words = ("create", f"gs://{bucket}", f"--project={project}", *where, "--uniform-bucket-level-access")
    return _gcloud("storage", "buckets", *words)


def announce(bucket: str, topic: str, prefix: str = "", attributes: Iterable[tuple[str, str]] = ()) -> str:
    """Have a bucket announce all that the worker understands."""
    pairs = ",".join(f"{name}={value}" for name, value in attributes)
    more = [f"--object-prefix={prefix}"] if prefix else []
    more += [f"--custom-attributes={pairs}"] if pairs else []
    events = f"--event-types={','.join(EVENTS)}"
    where = (f"gs://{bucket}", f"--project={project_of(topic)}", f"--topic={topic}", "--skip-topic-setup")
    return _gcloud("storage", "buckets", "notifications", "create", *where, events, "--payload-format=json", *more)


def withdraw(bucket: str, topic: str, config: str) -> str:
    """Delete one notification configuration."""
    name = f"projects/_/buckets/{bucket}/notificationConfigs/{config}"
    return _gcloud("storage", "buckets", "notifications", "delete", name, f"--project={project_of(topic)}")


# --- queue -------------------------------------------------------------------------------------------------


def create_topic(topic: str) -> str:
    """A topic."""
    return _gcloud("pubsub", "topics", "create", short(topic), f"--project={project_of(topic)}")


def create_subscription(subscription: str, topic: str, *flags: str) -> str:
    """A subscription that never expires."""
    words = ("create", short(subscription), f"--project={project_of(subscription)}", f"--topic={topic}")
    return _gcloud("pubsub", "subscriptions", *words, "--expiration-period=never", *flags)


def update_subscription(subscription: str, *flags: str) -> str:
    """Other settings of a subscription."""
    words = ("update", short(subscription), f"--project={project_of(subscription)}")
    return _gcloud("pubsub", "subscriptions", *words, *flags)


def delete_subscription(subscription: str) -> str:
    """No subscription; what waits on it is lost."""
    return _gcloud("pubsub", "subscriptions", "delete", short(subscription), f"--project={project_of(subscription)}")


def push_to(subscription: str, endpoint: str, account: str = "", audience: str = "") -> str:
    """Push to an address with a token, or no more where there is no address."""
    token = [f"--push-auth-service-account={account}", f"--push-auth-token-audience={audience}"] if endpoint else []
    words = ("modify-push-config", short(subscription), f"--project={project_of(subscription)}")
    return _gcloud("pubsub", "subscriptions", *words, f"--push-endpoint={endpoint}", *token)


def give_up(topic: str, attempts: int) -> tuple[str, str]:
    """The settings of a subscription that has dead letters."""
    return (f"--dead-letter-topic={topic}", f"--max-delivery-attempts={attempts}")


# --- documents ---------------------------------------------------------------------------------------------


def create_database(project: str, database: str, location: str) -> str:
    """A database of documents."""
    words = (f"--project={project}", f"--database={database}", f"--location={location}", "--type=firestore-native")
    return _gcloud("firestore", "databases", "create", *words)


def create_index(project: str, database: str, collection: str, fields: Iterable[tuple[str, str]]) -> str:
    """A composite index; it is ready when it has read all documents."""
    kinds = [(field, "array-config" if how == "CONTAINS" else "order", how.lower()) for field, how in fields]
    parts = [f"--field-config=field-path={field},{kind}={how}" for field, kind, how in kinds]
    words = (f"--project={project}", f"--database={database}", f"--collection-group={collection}", *parts, "--async")
    return _gcloud("firestore", "indexes", "composite", "create", *words)


def exempt(project: str, database: str, collection: str, field: str) -> str:
    """No index of a field."""
    where = (f"--project={project}", f"--database={database}", f"--collection-group={collection}")
    return _gcloud("firestore", "indexes", "fields", "update", field, *where, "--disable-indexes", "--async")


def _gcloud(*words: str) -> str:
    return shlex.join(["gcloud", *words])
