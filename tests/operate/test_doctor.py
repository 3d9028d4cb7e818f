"""`imagemeta doctor`: one thing at a time is broken in a set-up of real parts; the doctor names it, and its command,
run by a shell with the real gcloud, mends it."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.cli.program import imagemeta
from tests.cloud.front import PUBSUB_AGENT, STORAGE_AGENT, Front
from tests.conftest import Cloud
from worker.bootstrap import examine_settings
from worker.indexes import COMPOSITE, EXEMPT
from worker.operate.findings import Finding, State
from worker.operate.machine_checks import judged, within
from worker.operate.store_checks import same_place
from worker.settings import load

BAD = (State.RED, State.WARN)
PUBLISHER, SUBSCRIBER, VIEWER = "roles/pubsub.publisher", "roles/pubsub.subscriber", "roles/storage.objectViewer"


@dataclass
class SetUp:
    """A set-up in which all is well, until a test breaks something."""

    front: Front
    settings: dict[str, str] = field(default_factory=dict)
    push_endpoint: str = ""
    bucket: str = "photos"

    @property
    def project(self) -> str:
        return self.front.cloud.project

    @property
    def email(self) -> str:
        return self.front.state.caller.partition(":")[2]

    def findings(self) -> dict[str, Finding]:
        """What the doctor finds, by name."""
        places = {
            "IMAGEMETA_QUEUE": f"pubsub://{self.project}/worker",
            "IMAGEMETA_TOPIC": f"pubsub://{self.project}/images",
            "IMAGEMETA_DEAD_LETTERS": f"pubsub://{self.project}/images-dead",
            "IMAGEMETA_DOCUMENTS": f"firestore://{self.project}/photos/images",
        }
        settings = load(places | self.settings)
        found = examine_settings(settings, [self.bucket], account=self.email, push_endpoint=self.push_endpoint)
        return {finding.name: finding for finding in found}

    def pubsub(self, method: str, path: str, body: Any = None) -> None:
        self.front.call(method, f"/v1/projects/{self.project}/{path}", body)

    def subscription(self, **changes: Any) -> None:
        """Change the worker's subscription."""
        name = f"projects/{self.project}/subscriptions/worker"
        mask = ",".join(changes)
        self.pubsub("PATCH", "subscriptions/worker", {"subscription": {"name": name, **changes}, "updateMask": mask})

    def made_anew(self, **changes: Any) -> None:
        """The worker's subscription with what cannot be changed."""
        self.pubsub("DELETE", "subscriptions/worker")
        resource = {name: value for name, value in (self.usual() | changes).items() if value is not None}
        self.pubsub("PUT", "subscriptions/worker", resource)
        self.grant("subscriptions/worker", SUBSCRIBER, f"serviceAccount:{PUBSUB_AGENT}", self.front.state.caller)

    def usual(self) -> dict[str, Any]:
        topics = f"projects/{self.project}/topics"
        return {
            "topic": f"{topics}/images",
            "ackDeadlineSeconds": 60,
            "retainAckedMessages": True,
            "expirationPolicy": {},
            "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
            "deadLetterPolicy": {"deadLetterTopic": f"{topics}/images-dead", "maxDeliveryAttempts": 20},
        }

    def grant(self, resource: str, role: str, *members: str) -> None:
        prefix = "/storage/v1/" if resource.startswith("b/") else f"/v1/projects/{self.project}/"
        policy = {"etag": "ACAB", "version": 1, "bindings": [{"role": role, "members": list(members)}]}
        self.front.state.policies[prefix + resource] = policy

    def revoke(self, resource: str, member: str) -> None:
        """Take what is granted on a resource from one member."""
        (path,) = (path for path in self.front.state.policies if path.endswith(f"/{resource}"))
        self.front.state.policies[path]["bindings"][0]["members"].remove(member)

    def configure(self, topic: str = "images", **changes: Any) -> None:
        """Have the bucket announce, as it should unless it is said otherwise."""
        events = ["OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE", "OBJECT_METADATA_UPDATE"]
        config = {"topic": f"projects/{self.project}/topics/{topic}", "event_types": events}
        path = "/storage/v1/b/photos/notificationConfigs"
        self.front.call("POST", path, config | {"payload_format": "JSON_API_V1"} | changes)

    def run(self, command: str) -> None:
        """A command as a user's shell runs it, with the real gcloud."""
        env = {**self.front.cloud.env, **self.front.variables}
        del env["CLOUDSDK_CORE_PROJECT"], env["GOOGLE_CLOUD_PROJECT"]  # a command says itself what it is about
        done = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.fixture
def setup(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[SetUp]:
    front = Front(cloud)
    for name, value in front.variables.items():
        monkeypatch.setenv(name, value)
    setup = SetUp(front)
    setup.pubsub("PUT", "subscriptions/worker", setup.usual())
    agent, storage, worker = f"serviceAccount:{PUBSUB_AGENT}", f"serviceAccount:{STORAGE_AGENT}", front.state.caller
    setup.grant("topics/images", PUBLISHER, storage, worker)
    setup.grant("topics/images-dead", PUBLISHER, agent)
    setup.grant("subscriptions/worker", SUBSCRIBER, agent, worker)
    setup.grant("b/photos", VIEWER, worker)
    setup.configure()
    place = f"/v1/projects/{setup.project}/databases"
    front.call("POST", f"{place}?databaseId=photos", {"locationId": "us-central1", "type": "FIRESTORE_NATIVE"})
    group = f"{place}/photos/collectionGroups/images"
    for index in COMPOSITE:
        front.call("POST", f"{group}/indexes", {"fields": [indexed(*field) for field in index]})
    for name in EXEMPT:
        front.call("PATCH", f"{group}/fields/{name}?updateMask=indexConfig", {"indexConfig": {"indexes": []}})
    yield setup
    front.stop()


def bad(findings: dict[str, Finding]) -> dict[str, Finding]:
    return {name: finding for name, finding in findings.items() if finding.state is not State.OK}


def test_where_all_is_well_all_is_ok(setup: SetUp) -> None:
    assert bad(setup.findings()) == {}


# --- one thing at a time -----------------------------------------------------------------------------------


def deleted_bucket(setup: SetUp) -> None:
    setup.front.call("DELETE", "/storage/v1/b/photos")


def lost_database(setup: SetUp) -> None:
    for kept in (setup.front.state.databases, setup.front.state.indexes, setup.front.state.fields):
        kept.clear()


def indexed(path: str, how: str) -> dict[str, str]:
    """A field of an index, as the API has it."""
    return {"fieldPath": path, "arrayConfig" if how == "CONTAINS" else "order": how}


def lost_index(setup: SetUp) -> None:
    del setup.front.state.indexes["images"][3]


def lost_exemptions(setup: SetUp) -> None:
    del setup.front.state.fields["images"]["tags"], setup.front.state.fields["images"]["taken.alternatives"]


def announcing_twice(setup: SetUp) -> None:
    setup.configure()


def announcing_too_little(setup: SetUp) -> None:
    setup.front.state.configs.clear()
    setup.configure(event_types=["OBJECT_FINALIZE"], object_name_prefix="in/", custom_attributes={"team": "photos"})


def announcing_less_below(setup: SetUp) -> None:
    """Everything of one folder, and too little of another."""
    setup.front.state.configs.clear()
    setup.configure(object_name_prefix="in/")
    setup.configure(object_name_prefix="out/", event_types=["OBJECT_DELETE"])


def announcing_no_facts(setup: SetUp) -> None:
    setup.front.state.configs.clear()
    setup.configure(payload_format="NONE")


def announcing_elsewhere(setup: SetUp) -> None:
    setup.front.state.configs.clear()
    setup.pubsub("PUT", "topics/others")
    setup.grant("topics/others", PUBLISHER, f"serviceAccount:{STORAGE_AGENT}")
    setup.configure(topic="others")


def no_dead_letters(setup: SetUp) -> None:
    setup.made_anew(deadLetterPolicy=None)
    setup.pubsub("DELETE", "subscriptions/images-dead")
    setup.pubsub("DELETE", "topics/images-dead")


def few_attempts(setup: SetUp) -> None:
    topic = f"projects/{setup.project}/topics/images-dead"
    setup.subscription(deadLetterPolicy={"deadLetterTopic": topic, "maxDeliveryAttempts": 5})


def kept_from(resource: str, agent: str = "") -> Callable[[SetUp], None]:
    """The agent, or without one the worker, has no more rights on a resource."""
    return lambda setup: setup.revoke(resource, f"serviceAccount:{agent}" if agent else setup.front.state.caller)


BREAKS: dict[str, tuple[Callable[[SetUp], None], str, State]] = {
    "bucket": (deleted_bucket, "bucket photos", State.RED),
    "no notification": (lambda setup: setup.front.state.configs.clear(), "notification photos", State.RED),
    "notification of some events": (announcing_too_little, "notification photos", State.RED),
    "notification of a part": (announcing_less_below, "notification photos", State.RED),
    "notification without facts": (announcing_no_facts, "notification photos", State.WARN),
    "notification twice": (announcing_twice, "notification photos", State.WARN),
    "notification elsewhere": (announcing_elsewhere, "notification photos", State.RED),
    "grant of the bucket": (kept_from("topics/images", STORAGE_AGENT), "publisher photos", State.RED),
    "subscription": (lambda setup: setup.pubsub("DELETE", "subscriptions/worker"), "subscription worker", State.RED),
    "deadline": (lambda setup: setup.subscription(ackDeadlineSeconds=30), "deadline", State.WARN),
    "expiry": (lambda setup: setup.made_anew(expirationPolicy=None), "expiry", State.RED),
    "retention": (lambda setup: setup.subscription(retainAckedMessages=False), "retention", State.WARN),
    "exactly once": (lambda setup: setup.made_anew(enableExactlyOnceDelivery=True), "exactly-once", State.WARN),
    "filter": (lambda setup: setup.made_anew(filter='attributes.eventType = "X"'), "filter", State.RED),
    "push": (
        lambda setup: setup.subscription(pushConfig={"pushEndpoint": "http://127.0.0.1:9/"}),
        "delivery",
        State.RED,
    ),
    "no back-off": (lambda setup: setup.made_anew(retryPolicy=None), "back-off", State.WARN),
    "no dead letters": (no_dead_letters, "dead letters", State.RED),
    "few attempts": (few_attempts, "attempts", State.RED),
    "unread dead letters": (
        lambda setup: setup.pubsub("DELETE", "subscriptions/images-dead"),
        "dead letters images-dead",
        State.RED,
    ),
    "grant to forward": (kept_from("topics/images-dead", PUBSUB_AGENT), "agent images-dead", State.RED),
    "grant to take away": (kept_from("subscriptions/worker", PUBSUB_AGENT), "agent worker", State.RED),
    "grant to pull": (kept_from("subscriptions/worker"), "pulls worker", State.RED),
    "grant to read": (kept_from("b/photos"), "reads photos", State.RED),
    "grant to publish": (kept_from("topics/images"), "publishes images", State.WARN),
    "API": (lambda setup: setup.front.state.off.add("pubsub"), "api pubsub", State.RED),
    "database": (lost_database, "database photos", State.RED),
    "index": (lost_index, "index " + ", ".join(field for field, _ in COMPOSITE[3]), State.RED),
    "exemptions": (lost_exemptions, "exemptions", State.RED),
}
"""What is broken, which finding says so, and how bad it is."""

ALIKE = {
    "notification of a part",
    "notification without facts",
    "notification elsewhere",
    "deadline",
    "no back-off",
} | {
    "exactly once",
    "grant to forward",
    "grant to publish",
}
"""Mended by commands of which others here are tried; gcloud takes two seconds each."""


@pytest.mark.parametrize(
    "broken", [pytest.param(name, marks=pytest.mark.deep if name in ALIKE else ()) for name in BREAKS]
)
def test_the_printed_command_mends_what_is_broken(setup: SetUp, broken: str) -> None:
    if shutil.which("gcloud") is None:
        pytest.skip("no gcloud on this machine")
    act, name, state = BREAKS[broken]
    act(setup)
    finding = setup.findings()[name]
    assert finding.state is state, finding
    setup.run(finding.command)
    left = bad(setup.findings())
    assert name not in left
    assert all(other.startswith(("index ", "exemptions")) for other in left), left


@pytest.mark.deep
def test_the_commands_of_one_round_after_another_make_a_whole_set_up(setup: SetUp) -> None:
    """Of an empty project, but for the indexes, which take gcloud two seconds each."""
    if shutil.which("gcloud") is None:
        pytest.skip("no gcloud on this machine")
    for path in ("subscriptions/worker", "subscriptions/images-dead", "topics/images-dead", "topics/images"):
        setup.pubsub("DELETE", path)
    setup.front.call("DELETE", "/storage/v1/b/photos")
    setup.front.state.databases.clear()
    rounds = 0
    while found := bad(setup.findings()):
        rounds += 1
        assert rounds <= 3, found
        for finding in found.values():
            setup.run(finding.command)
    assert rounds > 1


# --- what no command of gcloud can break or mend here -------------------------------------------------------


def test_bare_emulators_leave_unknown_what_they_do_not_know(cloud: Cloud) -> None:
    settings = {
        "IMAGEMETA_QUEUE": f"pubsub://{cloud.project}/images-worker",
        "IMAGEMETA_DOCUMENTS": f"firestore://{cloud.project}/(default)/images",
    }
    found = {finding.name: finding for finding in examine_settings(load(settings), ["photos"])}
    unknown = {name for name, finding in found.items() if finding.state is State.UNKNOWN}
    assert {"api firestore", "notification photos", "publisher photos", "pulls images-worker", "database"} <= unknown
    assert {name for name, finding in found.items() if finding.state is State.RED} == {"expiry"}
    assert found["clock"].state is State.OK


@pytest.mark.parametrize(("ahead", "state"), [(3, State.OK), (30, State.WARN), (-30, State.WARN), (90, State.RED)])
def test_a_clock_that_is_off_is_set(setup: SetUp, ahead: float, state: State) -> None:
    setup.front.state.clock = -ahead
    finding = setup.findings()["clock"]
    assert finding.state is state
    assert (finding.command == "sudo timedatectl set-ntp true") == (state is not State.OK)
    if state is not State.OK:
        assert ("ahead of" if ahead > 0 else "behind") in finding.meaning


def test_without_credentials_nothing_else_is_asked(setup: SetUp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    found = setup.findings()
    assert list(found) == ["libraries", "credentials"]
    assert found["credentials"].state is State.RED
    assert found["credentials"].command.endswith("gcloud auth application-default login")


@pytest.mark.deep
def test_a_subscription_on_another_topic_is_made_anew(setup: SetUp) -> None:
    setup.pubsub("PUT", "topics/others")
    setup.made_anew(topic=f"projects/{setup.project}/topics/others")
    finding = setup.findings()["subscription worker"]
    assert (finding.state, "on others, not on images" in finding.meaning) == (State.RED, True)
    setup.run(finding.command)
    assert bad(setup.findings()) == {}


@pytest.mark.deep
def test_a_topic_that_was_deleted_is_made_anew_with_all_that_hung_on_it(setup: SetUp) -> None:
    setup.pubsub("DELETE", "topics/images")
    for name in ("topic images", "subscription worker", "publisher photos"):
        finding = setup.findings()[name]
        assert finding.state is State.RED
        setup.run(finding.command)
    assert bad(setup.findings()).keys() <= {"publishes images"}


def test_a_worker_behind_http_needs_a_push_with_its_token(setup: SetUp) -> None:
    account, audience, endpoint = "invoker@p.iam.gserviceaccount.com", "https://worker.internal", "http://127.0.0.1:9/"
    setup.settings = {"IMAGEMETA_PUSH_ACCOUNT": account, "IMAGEMETA_PUSH_AUDIENCE": audience}
    finding = setup.findings()["delivery"]
    assert (finding.state, "--push-endpoint" in finding.command) == (State.RED, True)
    setup.push_endpoint = endpoint
    setup.run(setup.findings()["delivery"].command)
    assert bad(setup.findings()) == {}
    setup.settings["IMAGEMETA_PUSH_AUDIENCE"] = "https://other.internal"
    assert "token that the worker refuses" in setup.findings()["delivery"].meaning


def test_far_from_the_bucket_another_database_is_proposed(setup: SetUp) -> None:
    setup.front.state.databases["photos"]["locationId"] = "europe-west1"
    finding = setup.findings()["region photos"]
    assert (finding.state, "US-CENTRAL1" in finding.meaning) == (State.WARN, True)
    create, _, setting = finding.command.rpartition(" && export IMAGEMETA_DOCUMENTS=")
    setup.run(create)
    setup.settings["IMAGEMETA_DOCUMENTS"] = setting
    assert setup.findings()["region photos"].state is State.OK


def test_a_database_without_documents_is_left_alone_and_another_is_proposed(setup: SetUp) -> None:
    setup.front.state.databases["photos"]["type"] = "DATASTORE_MODE"
    finding = setup.findings()["database photos"]
    assert (finding.state, "Datastore mode" in finding.meaning) == (State.RED, True)
    create, _, setting = finding.command.rpartition(" && export IMAGEMETA_DOCUMENTS=")
    setup.run(create)
    setup.settings["IMAGEMETA_DOCUMENTS"] = setting
    assert setup.findings()["database imagemeta"].state is State.OK


@pytest.mark.parametrize(
    ("bucket", "database", "same"),
    [
        ("US-CENTRAL1", "us-central1", True),
        ("US-CENTRAL1", "nam5", True),
        ("US-CENTRAL1", "us-east1", False),
        ("US", "nam5", True),
        ("EU", "eur3", True),
        ("EU", "europe-west4", True),
        ("EU", "nam5", False),
        ("EUROPE-WEST1", "europe-west10", False),
    ],
)
def test_places_are_compared_as_google_names_them(bucket: str, database: str, same: bool) -> None:
    assert same_place(bucket, database) is same


@pytest.mark.parametrize(
    ("version", "bounds", "within_them"),
    [
        ("2.44.0", "<3,>=2.44", True),
        ("3.0", "<3,>=2.44", False),
        ("2.9", "<3,>=2.44", False),
        ("3.5.1", "==3.5.1", True),
        ("3.5", "==3.5.0", True),
        ("0.66b1", ">=0.66b1", True),
        ("14", "", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, bounds: str, within_them: bool) -> None:
    assert within(version, bounds) is within_them


def test_libraries_that_are_too_old_or_missing_are_installed() -> None:
    have = {"google-auth": "2.39.1", "rich": "15.0"}
    finding = judged(["google-auth<3,>=2.40", "rich>=14", "typer>=0.20"], have.get)
    assert finding.state is State.RED
    assert finding.command == "pip install 'google-auth<3,>=2.40' 'typer>=0.20'"


# --- the command -------------------------------------------------------------------------------------------


def doctor(setup: SetUp, *arguments: str) -> subprocess.CompletedProcess[str]:
    places: dict[str, Any] = {
        "IMAGEMETA_QUEUE": f"pubsub://{setup.project}/worker",
        "IMAGEMETA_DOCUMENTS": f"firestore://{setup.project}/photos/images",
        **setup.front.variables,
    }
    return imagemeta("doctor", *arguments, "--account", setup.email, **places)


def test_it_prints_a_line_for_each_part_and_the_command_below(setup: SetUp) -> None:
    done = doctor(setup, "gs://photos")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 25
    assert all(line.startswith("ok ") for line in done.stdout.splitlines())
    setup.front.state.configs.clear()
    done = doctor(setup, "gs://photos")
    assert done.returncode == 1
    line, command = done.stdout.split("notification photos")[1].splitlines()[:2]
    assert line.strip() == "the bucket announces nothing to images"
    assert command.strip().startswith("$ gcloud storage buckets notifications create gs://photos ")


def test_a_warning_alone_is_no_failure(setup: SetUp) -> None:
    setup.subscription(retainAckedMessages=False)
    done = doctor(setup, "gs://photos", "--format", "json")
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert found["retention"] == {
        "name": "retention",
        "state": "warn",
        "meaning": "acknowledged messages are not kept, so nothing can be replayed",
        "command": f"gcloud pubsub subscriptions update worker --project={setup.project} --retain-acked-messages",
    }


@pytest.mark.parametrize("arguments", [("photos",), ("gs://",), ("gs://photos/a.jpg",), ("gs://b", "--folder", ".")])
def test_what_is_no_bucket_is_usage(arguments: tuple[str, ...]) -> None:
    assert imagemeta("doctor", *arguments).returncode == 2


def test_without_settings_it_says_what_is_missing() -> None:
    done = imagemeta("doctor")
    assert (done.returncode, "IMAGEMETA_QUEUE" in done.stderr) == (78, True)
