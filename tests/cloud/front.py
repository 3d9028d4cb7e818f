"""What the emulators lack of administration, in front of them: one address for all three APIs, over HTTP.

Notification configurations, IAM policies, the project's service agents, Firestore's databases, indexes and fields, and
which APIs are on, are kept here, as strict as the real ones are known to be. Everything else goes to the emulators.
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from time import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from deploy.emulators import call
from tests.cloud.calls import Fault, Json, Request, api_of, done, found, page
from tests.conftest import Cloud

NUMBER = "424242424242"
STORAGE_AGENT = f"service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
PUBSUB_AGENT = f"service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"

ROLES = {
    "roles/pubsub.publisher": {"pubsub.topics.publish"},
    "roles/pubsub.subscriber": {"pubsub.subscriptions.consume", "pubsub.topics.attachSubscription"},
    "roles/storage.objectViewer": {"storage.objects.get", "storage.objects.list"},
}

_RETENTIONS = ("expirationPolicy", "messageRetentionDuration")


@dataclass
class State:
    """What is set up. `caller` is whose rights a request has; `clock` is added to the time in every reply."""

    caller: str
    configs: dict[str, dict[str, Json]] = field(default_factory=dict)
    retentions: dict[str, Json] = field(default_factory=dict)
    policies: dict[str, Json] = field(default_factory=dict)
    databases: dict[str, Json] = field(default_factory=dict)
    indexes: dict[str, list[Json]] = field(default_factory=dict)
    fields: dict[str, dict[str, Json]] = field(default_factory=dict)
    off: set[str] = field(default_factory=set)
    clock: float = 0.0


class Front:
    """The cloud of a test with its administration: `environment` leads clients and gcloud here."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.state = State(caller=f"serviceAccount:worker@{cloud.project}.iam.gserviceaccount.com")
        self._ids = count(1)
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"front": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    @property
    def variables(self) -> dict[str, str]:
        """For clients that speak HTTP, and for gcloud; gRPC does not pass here."""
        root = f"http://{self.address}/"
        return {
            "PUBSUB_EMULATOR_HOST": self.address,
            "FIRESTORE_EMULATOR_HOST": self.address,
            "STORAGE_EMULATOR_HOST": root.rstrip("/"),
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": root,
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_FIRESTORE": root,
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_SERVICEUSAGE": root,
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{root}storage/v1/",
        }

    def call(self, method: str, path: str, body: Any = None) -> Json:
        """One request, as an administrator makes it."""
        status, content = call(self.address, method, path, body)
        assert status < 300, f"{method} {path}: {status} {content.decode()}"
        answer: Json = orjson.loads(content or b"{}")
        return answer

    def stop(self) -> None:
        """Free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: Request) -> tuple[int, bytes]:
        """The reply to a request: status and content."""
        try:
            with self._lock:
                self._check_api(request)
                for method, pattern, act in _ROUTES:
                    match = re.fullmatch(pattern, request.path)
                    if match and request.method in method.split("|"):
                        request.parts = match.groups()
                        return 200, orjson.dumps(act(self, request))
        except Fault as fault:
            error = {"code": fault.status, "status": fault.reason, "message": str(fault)}
            return fault.status, orjson.dumps({"error": error})
        return self.forward(request)

    def forward(self, request: Request) -> tuple[int, bytes]:
        """To the emulator that it is for. What is deleted there has no policy and no configurations any more."""
        host = {"storage": self.cloud.storage.address, "pubsub": self.cloud.stack.pubsub}
        query = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values)
        target = f"{request.path}?{query}" if query else request.path
        headers = {"authorization": "Bearer owner"}
        api = api_of(request.path)
        status, content = call(
            host.get(api, self.cloud.stack.firestore), request.method, target, request.body or None, headers
        )
        if request.method == "DELETE" and status < 300:
            self.state.policies.pop(request.path, None)
            self.state.retentions.pop(request.path, None)
            self.state.configs.pop(request.path.rpartition("/")[2], None)
        if api == "pubsub" and status == 400 and b"Invalid [" in content:  # how this emulator says NOT_FOUND
            return 404, orjson.dumps({"error": {"code": 404, "status": "NOT_FOUND", "message": "Resource not found"}})
        if re.fullmatch("/storage/v1/b/[^/]+", request.path) and status == 200:
            content = content.replace(b'"projectNumber":"0"', f'"projectNumber":"{NUMBER}"'.encode())
        return status, content

    # --- notification configurations ---

    def list_configs(self, request: Request) -> Json:
        (bucket,) = request.parts
        self._exists(f"/storage/v1/b/{bucket}")
        return {"items": list(self.state.configs.get(bucket, {}).values())}

    def create_config(self, request: Request) -> Json:
        (bucket,) = request.parts
        self._exists(f"/storage/v1/b/{bucket}")
        topic = request.json["topic"].removeprefix("//pubsub.googleapis.com/")
        self._exists(f"/v1/{topic}")
        if f"serviceAccount:{STORAGE_AGENT}" not in self.members(f"/v1/{topic}", "roles/pubsub.publisher"):
            raise Fault(403, "PERMISSION_DENIED", f"{STORAGE_AGENT} may not publish to {topic}")
        number = str(next(self._ids))
        config = {**request.json, "topic": f"//pubsub.googleapis.com/{topic}", "id": number, "etag": number}
        self.state.configs.setdefault(bucket, {})[number] = {"kind": "storage#notification", **config}
        return self.state.configs[bucket][number]

    def get_config(self, request: Request) -> Json:
        return found(self.state.configs.get(request.parts[0], {}), request.parts[1])

    def delete_config(self, request: Request) -> Json:
        bucket, number = request.parts
        found(self.state.configs.get(bucket, {}), number)
        del self.state.configs[bucket][number]
        return {}

    def agent(self, request: Request) -> Json:
        return {"kind": "storage#serviceAccount", "email_address": STORAGE_AGENT, "request": request.path}

    # --- how long subscriptions and messages live: the emulator changes no expiry, and keeps for a week at most ---

    def get_subscription(self, request: Request) -> Json:
        return self._forwarded(request) | self.state.retentions.get(request.path, {})

    def put_subscription(self, request: Request) -> Json:
        content = request.json
        kept = {name: content.pop(name) for name in _RETENTIONS if name in content}
        made = self._forwarded(replace(request, body=orjson.dumps(content)))
        self.state.retentions[request.path] = {"expirationPolicy": {"ttl": "2678400s"}} | kept
        return made | kept

    def patch_subscription(self, request: Request) -> Json:
        content = request.json
        mask = content["updateMask"].split(",")
        kept = {name: content["subscription"].pop(name, {}) for name in _RETENTIONS if name in mask}
        self.state.retentions[request.path].update(kept)
        content["updateMask"] = ",".join(name for name in mask if name not in _RETENTIONS)
        if not content["updateMask"]:
            return self.get_subscription(replace(request, method="GET", body=b""))
        return self._forwarded(replace(request, body=orjson.dumps(content)))

    def _forwarded(self, request: Request) -> Json:
        status, content = self.forward(request)
        answer: Json = orjson.loads(content)
        if status >= 300:
            raise Fault(status, answer["error"]["status"], answer["error"].get("message", ""))
        return answer

    # --- policies ---

    def members(self, resource: str, role: str) -> set[str]:
        """Who has this role on a resource, by the path of its API."""
        bindings = self.state.policies.get(resource, {}).get("bindings", [])
        return {member for binding in bindings if binding["role"] == role for member in binding["members"]}

    def get_policy(self, request: Request) -> Json:
        self._exists(request.parts[0])
        return self.state.policies.get(request.parts[0], {"etag": "ACAB", "version": 1})

    def set_policy(self, request: Request) -> Json:
        resource = request.parts[0]
        self._exists(resource)
        policy = request.json.get("policy", request.json)
        current = self.state.policies.get(resource, {"etag": "ACAB"})
        if policy.get("etag", current["etag"]) != current["etag"]:
            raise Fault(409, "ABORTED", "the policy was changed meanwhile")
        self.state.policies[resource] = {**policy, "etag": f"AC{next(self._ids):02d}", "version": 1}
        return self.state.policies[resource]

    def test_permissions(self, request: Request) -> Json:
        resource = request.parts[0]
        self._exists(resource)
        asked = request.query.get("permissions") or request.json.get("permissions", [])
        granted = [owned for role, owned in ROLES.items() if self.state.caller in self.members(resource, role)]
        return {"permissions": [each for each in asked if any(each in owned for owned in granted)]}

    # --- Firestore's administration ---

    def get_database(self, request: Request) -> Json:
        return found(self.state.databases, request.parts[0])

    def create_database(self, request: Request) -> Json:
        name = request.query["databaseId"][0]
        if name in self.state.databases:
            raise Fault(409, "ALREADY_EXISTS")
        path = f"projects/{self.cloud.project}/databases/{name}"
        self.state.databases[name] = {"name": path, **request.json}
        return done(f"{path}/operations/1", self.state.databases[name])

    def delete_database(self, request: Request) -> Json:
        del self.state.databases[request.parts[0]]
        return done("operations/1", {})

    def list_indexes(self, request: Request) -> Json:
        found(self.state.databases, request.parts[0])
        return page(request, "indexes", self.state.indexes.get(request.parts[1], []))

    def create_index(self, request: Request) -> Json:
        found(self.state.databases, request.parts[0])
        database, collection = request.parts
        index = {"queryScope": "COLLECTION", **request.json}
        index["fields"] = [
            *index["fields"],
            {"fieldPath": "__name__", "order": index["fields"][-1].get("order", "ASCENDING")},
        ]
        there = self.state.indexes.setdefault(collection, [])
        if index["fields"] in [each["fields"] for each in there]:
            raise Fault(409, "ALREADY_EXISTS", "index already exists")
        prefix = f"projects/{self.cloud.project}/databases/{database}/collectionGroups/{collection}"
        there.append({"name": f"{prefix}/indexes/{next(self._ids)}", "state": "READY", **index})
        return done(f"projects/{self.cloud.project}/databases/{database}/operations/1", there[-1])

    def list_fields(self, request: Request) -> Json:
        found(self.state.databases, request.parts[0])
        if "filter" not in request.query:
            raise Fault(400, "INVALID_ARGUMENT", "a filter is required")
        return page(request, "fields", list(self.state.fields.get(request.parts[1], {}).values()))

    def patch_field(self, request: Request) -> Json:
        database, collection, name = request.parts
        found(self.state.databases, database)
        path = f"projects/{self.cloud.project}/databases/{database}/collectionGroups/{collection}/fields/{name}"
        there = self.state.fields.setdefault(collection, {}).setdefault(name, {"name": path})
        changed = request.query["updateMask"][0].split(",")
        there.update({each: request.json.get(each, {}) for each in changed})
        return done(f"projects/{self.cloud.project}/databases/{database}/operations/1", there)

    # --- APIs ---

    def enable(self, request: Request) -> Json:
        self.state.off.discard(request.parts[0])
        return {"name": "operations/noop.DONE_OPERATION", "done": True, "response": {}}

    def _check_api(self, request: Request) -> None:
        if api_of(request.path) in self.state.off:
            raise Fault(403, "PERMISSION_DENIED", "SERVICE_DISABLED")

    def _exists(self, path: str) -> None:
        if self.forward(Request("GET", path, {}, b""))[0] != 200:
            raise Fault(404, "NOT_FOUND", f"there is no {path}")


_B, _P = r"/storage/v1/b/([^/]+)", r"/v1/projects/[^/]+"
_D = _P + r"/databases/([^/]+)"
_ROUTES: list[tuple[str, str, Callable[[Front, Request], Json]]] = [
    ("GET", _B + "/notificationConfigs", Front.list_configs),
    ("POST", _B + "/notificationConfigs", Front.create_config),
    ("GET", _B + "/notificationConfigs/([^/]+)", Front.get_config),
    ("DELETE", _B + "/notificationConfigs/([^/]+)", Front.delete_config),
    ("GET", "/storage/v1/projects/[^/]+/serviceAccount", Front.agent),
    ("GET", "(/storage/v1/b/[^/]+)/iam", Front.get_policy),
    ("PUT", "(/storage/v1/b/[^/]+)/iam", Front.set_policy),
    ("GET", "(/storage/v1/b/[^/]+)/iam/testPermissions", Front.test_permissions),
    ("GET|POST", f"({_P}/(?:topics|subscriptions)/[^/:]+):getIamPolicy", Front.get_policy),
    ("POST", f"({_P}/(?:topics|subscriptions)/[^/:]+):setIamPolicy", Front.set_policy),
    ("POST", f"({_P}/(?:topics|subscriptions)/[^/:]+):testIamPermissions", Front.test_permissions),
    ("GET", f"({_P}/subscriptions/[^/:]+)", Front.get_subscription),
    ("PUT", f"({_P}/subscriptions/[^/:]+)", Front.put_subscription),
    ("PATCH", f"({_P}/subscriptions/[^/:]+)", Front.patch_subscription),
    ("GET", _D, Front.get_database),
    ("POST", _P + "/databases", Front.create_database),
    ("DELETE", _D, Front.delete_database),
    ("GET", _D + "/collectionGroups/([^/]+)/indexes", Front.list_indexes),
    ("POST", _D + "/collectionGroups/([^/]+)/indexes", Front.create_index),
    ("GET", _D + "/collectionGroups/([^/]+)/fields", Front.list_fields),
    ("PATCH", _D + "/collectionGroups/([^/]+)/fields/([^/]+)", Front.patch_field),
    ("POST", _P + r"/services/([a-z]+)\.googleapis\.com:enable", Front.enable),
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front: Front

    def log_message(self, *_: object) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate((timestamp or time()) + self.front.state.clock, usegmt=True)

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        request = Request(self.command, unquote(parts.path), parse_qs(parts.query), body)
        status, content = self.front.answer(request)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 -- the names that http.server asks for
