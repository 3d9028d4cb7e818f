"""Google's cloud as a doctor sees it: what is set up there, asked for by REST. Nothing is changed."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from google.auth.transport.requests import Request

from worker.backends.gcp.errors import translated
from worker.backends.gcp.rest import FIRESTORE, PUBSUB, STORAGE, Json, Rest, default_credentials
from worker.errors import Misconfigured, Transient, WorkerError
from worker.inspection import (
    BucketFacts,
    CollectionFacts,
    ConfigFacts,
    DatabaseFacts,
    SubscriptionFacts,
    SwitchedOff,
    Unanswered,
)

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_APIS = {api.name: api for api in (PUBSUB, STORAGE, FIRESTORE)}
_TOPIC_SERVICE = "//pubsub.googleapis.com/"
_ALL_EVENTS = frozenset({"OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE", "OBJECT_METADATA_UPDATE"})
"""What a configuration announces that names no events."""
_EXEMPT_FIELDS = "indexConfig.usesAncestorConfig:false"
_DENIED = 7
"""google.rpc.Code.PERMISSION_DENIED"""
_Answer = Json | None | WorkerError


class GoogleInspection:
    """One project's queue, its database, and any bucket: a ports.CloudInspection. Used by one thread.

    `subscription` is a full name. What is asked for more than once is remembered.
    """

    def __init__(self, subscription: str, project: str, database: str, collection: str) -> None:
        self._subscription = subscription
        self._database = f"/projects/{project}/databases/{database}"
        self._collection = collection
        self._credentials: Credentials | None = None
        self._apis: dict[str, Rest] = {}
        self._answers: dict[tuple[str, str], _Answer] = {}

    # --- who asks, and whether anybody answers ---

    def account(self) -> str:
        """The credentials' account; a token is fetched, so that it is known whether they hold."""
        if all(api.emulator for api in _APIS.values()):
            return ""
        if self._credentials is None:
            credentials, _ = default_credentials()
            with translated(Transient):
                credentials.refresh(Request())  # type: ignore[no-untyped-call] # has no types
            self._credentials = credentials
        service = getattr(self._credentials, "service_account_email", "")
        person = getattr(self._credentials, "account", "")
        return f"serviceAccount:{service}" if service else f"user:{person}" if person else ""

    def answers(self, api: str) -> None:
        """Ask for the subscription, the service agent, the database: any answer will do."""
        paths = {
            "pubsub": f"/{self._subscription}",
            "storage": f"/projects/{self._subscription.split('/')[1]}/serviceAccount",
            "firestore": self._database,
        }
        try:
            self._find(api, paths[api])
        except (SwitchedOff, Unanswered, Transient):
            raise
        except WorkerError:  # a refusal is an answer
            return

    def clock_ahead(self) -> float:
        """By the replies so far, of Cloud Storage first: its emulator says what time it is."""
        found = [api.clock_ahead for api in self._apis.values() if api.clock_ahead is not None]
        if not found:
            raise Unanswered("no reply so far said what time it is")
        return max(found, key=abs)

    # --- buckets ---

    def bucket(self, name: str) -> BucketFacts | None:
        """Its metadata."""
        found = self._find("storage", f"/b/{quote(name, safe='')}")
        return None if found is None else BucketFacts(found.get("location", ""), found.get("projectNumber", ""))

    def configs(self, bucket: str) -> Sequence[ConfigFacts]:
        """Its notification configurations."""
        found = self._find("storage", f"/b/{quote(bucket, safe='')}/notificationConfigs") or {}
        return [_config(each) for each in found.get("items", [])]

    def bucket_agent(self, bucket: str) -> str:
        """That of the bucket's project, which may be another one than the queue's."""
        agent, facts = self._storage_agent(), self.bucket(bucket)
        if facts is None or f"-{facts.project_number}@" in agent:
            return agent
        return f"service-{facts.project_number}@gs-project-accounts.iam.gserviceaccount.com"

    def _storage_agent(self) -> str:
        project = self._subscription.split("/")[1]
        found = self._find("storage", f"/projects/{project}/serviceAccount")
        if found is None:
            raise Misconfigured(f"there is no project {project}")
        return str(found["email_address"])

    # --- queue ---

    def queue_agent(self) -> str:
        """The number of the project stands in the name of Cloud Storage's agent, too."""
        number = self._storage_agent().partition("@")[0].removeprefix("service-")
        if not number.isdigit():
            raise Unanswered("the project's number is not known")
        return f"service-{number}@gcp-sa-pubsub.iam.gserviceaccount.com"

    def topic(self, name: str) -> bool:
        """Whether there is one."""
        return self._find("pubsub", f"/{name}") is not None

    def subscriptions(self, topic: str) -> Sequence[str]:
        """By their full names."""
        return self._rest("pubsub").pages(f"/{topic}/subscriptions", "subscriptions")

    def subscription(self, name: str) -> SubscriptionFacts | None:
        """Its settings."""
        found = self._find("pubsub", f"/{name}")
        return None if found is None else _subscription(found)

    # --- rights ---

    def members(self, resource: str, role: str) -> AbstractSet[str]:
        """By its policy."""
        api, path = _place(resource)
        found = self._find(api, f"{path}/iam" if api == "storage" else f"{path}:getIamPolicy") or {}
        bindings = found.get("bindings", [])
        return {member for each in bindings if each["role"] == role for member in each.get("members", [])}

    def permitted(self, resource: str, permissions: Sequence[str]) -> AbstractSet[str]:
        """As the API itself judges, with all that is inherited."""
        api, path = _place(resource)
        if api == "storage":
            found = self._rest(api).call("GET", f"{path}/iam/testPermissions", permissions=list(permissions))
        else:
            found = self._rest(api).call("POST", f"{path}:testIamPermissions", {"permissions": list(permissions)})
        return set(found.get("permissions", []))

    # --- documents ---

    def database(self) -> DatabaseFacts | None:
        """Its place and mode."""
        found = self._find("firestore", self._database)
        if found is None:
            return None
        return DatabaseFacts(found.get("locationId", ""), found.get("type") == "FIRESTORE_NATIVE")

    def collection(self) -> CollectionFacts:
        """Two lists: indexes, and the fields whose indexes are not the database's usual ones."""
        group = f"{self._database}/collectionGroups/{self._collection}"
        indexes = self._rest("firestore").pages(f"{group}/indexes", "indexes")
        fields = self._rest("firestore").pages(f"{group}/fields", "fields", filter=_EXEMPT_FIELDS)
        return CollectionFacts(
            dict(_index(each) for each in indexes if each.get("queryScope") == "COLLECTION"),
            frozenset(
                each["name"].rpartition("/fields/")[2].replace("`", "")
                for each in fields
                if not each.get("indexConfig", {}).get("indexes")
            ),
        )

    def writes(self) -> bool:
        """By a write whose condition cannot hold: it takes all that a real one takes."""
        name = f"{self._database.lstrip('/')}/documents/{self._collection}/imagemeta-probe"
        probe = {"update": {"name": name}, "currentDocument": {"updateTime": "1970-01-01T00:00:01Z"}}
        try:
            reply = self._rest("firestore").call("POST", f"{self._database}/documents:batchWrite", {"writes": [probe]})
        except SwitchedOff:
            raise
        except Misconfigured:
            return False
        return bool(reply["status"][0].get("code") != _DENIED)

    def close(self) -> None:
        """Free everything."""
        for api in self._apis.values():
            api.close()

    def _rest(self, api: str) -> Rest:
        if api not in self._apis:
            self._apis[api] = Rest(_APIS[api], self._credentials)
        return self._apis[api]

    def _find(self, api: str, path: str) -> Json | None:
        """What is under a path, asked for once, a refusal included."""
        key = (api, path)
        if key not in self._answers:
            try:
                self._answers[key] = self._rest(api).find(path)
            except WorkerError as error:
                self._answers[key] = error
        answer = self._answers[key]
        if isinstance(answer, WorkerError):
            raise answer
        return answer


def _place(resource: str) -> tuple[str, str]:
    """The API and the path of a resource."""
    kind, _, name = resource.partition("/")
    return ("storage", f"/b/{quote(name, safe='')}") if kind == "buckets" else ("pubsub", f"/{resource}")


def _config(found: Mapping[str, Any]) -> ConfigFacts:
    return ConfigFacts(
        id=found["id"],
        topic=found["topic"].removeprefix(_TOPIC_SERVICE),
        events=frozenset(found.get("event_types") or _ALL_EVENTS),
        payload=found.get("payload_format", ""),
        prefix=found.get("object_name_prefix", ""),
        attributes=tuple(sorted(found.get("custom_attributes", {}).items())),
    )


def _subscription(found: Mapping[str, Any]) -> SubscriptionFacts:
    push, dead = found.get("pushConfig", {}), found.get("deadLetterPolicy", {})
    token = push.get("oidcToken", {})
    return SubscriptionFacts(
        topic=found["topic"],
        ack_seconds=found.get("ackDeadlineSeconds", 10),
        expires=bool(found.get("expirationPolicy", {"ttl": "usual"}).get("ttl")),
        retains_acked=found.get("retainAckedMessages", False),
        exactly_once=found.get("enableExactlyOnceDelivery", False),
        filter=found.get("filter", ""),
        push_endpoint=push.get("pushEndpoint", ""),
        push_account=token.get("serviceAccountEmail", ""),
        push_audience=token.get("audience", ""),
        dead_letter_topic=dead.get("deadLetterTopic", ""),
        max_attempts=dead.get("maxDeliveryAttempts", 0),
        backs_off=bool(found.get("retryPolicy")),
    )


def _index(found: Mapping[str, Any]) -> tuple[tuple[tuple[str, str], ...], str]:
    """Its fields, without the document's name, which Firestore adds by itself; and its state."""
    fields = ((each["fieldPath"], each.get("order") or each.get("arrayConfig", "")) for each in found["fields"])
    return tuple(each for each in fields if each[0] != "__name__"), found.get("state", "")
