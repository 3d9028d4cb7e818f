"""The stack itself: well-formed for both ends of the provider's versions, sound in each runtime, and stable."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.conftest import BUCKET, PROJECT, Applied, Wished
from tests.terraform.problems import problems
from tests.terraform.stack import Stack
from tests.terraform.workspace import ROOT, RUNTIMES, SCHEMAS, STACK, Workspace

EXAMPLES = sorted(path.name for path in (STACK / "examples").iterdir())
COUNTS = {"mig": 130, "worker-pool": 122, "push": 124}
"""How many resources each runtime is made of: a change is meant, or a mistake."""


@pytest.mark.parametrize("version", SCHEMAS)
def test_it_is_valid_and_passes_its_own_tests(workspaces: dict[str, Workspace], version: str, tmp_path: Path) -> None:
    workspace = workspaces[version].copy(tmp_path / "terraform")
    workspace.succeed("validate", "-no-color")
    shown = workspace.succeed("test", "-no-color")
    assert re.search(r"Success! [1-9][0-9]* passed, 0 failed", shown), shown
    for module in sorted((STACK / "modules").iterdir()):
        if (module / "tests").exists():
            within = f"modules/{module.name}"
            workspace.succeed("init", "-input=false", within=within)
            assert ", 0 failed" in workspace.succeed("test", "-no-color", within=within)


def test_it_is_formatted(terraform: str) -> None:
    done = subprocess.run(
        [terraform, "fmt", "-check", "-recursive", STACK], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"terraform fmt -recursive terraform: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_nothing_is_wrong_with_it(applied: Applied, runtime: str) -> None:
    assert problems(applied(runtime)) == []


def test_a_promoted_tag_has_its_indexes(workspace: Workspace, tmp_path: Path) -> None:
    copy = workspace.copy(tmp_path / "terraform")
    copy.write_variables(project_id=PROJECT, bucket=BUCKET, firestore={"promoted": ["t_xmp_rating_0a1b2c"]})
    copy.succeed("plan", "-input=false", "-out=plan")
    changes = json.loads(copy.succeed("show", "-json", "plan"))["resource_changes"]
    made = [change["change"]["after"]["fields"] for change in changes if change["type"] == "google_firestore_index"]
    paths = {field["field_path"] for fields in made for field in fields if "t_xmp" in field["field_path"]}
    assert paths == {f"search.fields.t_xmp_rating_0a1b2c.{part}" for part in ("has", "values", "high", "low")}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_plan_makes_what_it_should(workspace: Workspace, runtime: str, tmp_path: Path) -> None:
    copy = workspace.copy(tmp_path / "terraform")
    copy.write_variables(project_id=PROJECT, bucket=BUCKET, worker={"runtime": runtime})
    copy.succeed("plan", "-input=false", "-out=plan")
    changes = json.loads(copy.succeed("show", "-json", "plan"))["resource_changes"]
    made = [change for change in changes if change["mode"] == "managed"]
    assert {action for change in made for action in change["change"]["actions"]} == {"create"}
    assert len(made) == COUNTS[runtime]
    workers = {"compute_region_instance_group_manager", "cloud_run_v2_worker_pool", "cloud_run_v2_service"}
    assert [change["type"] for change in made if change["type"].removeprefix("google_") in workers] == [
        {
            "mig": "google_compute_region_instance_group_manager",
            "worker-pool": "google_cloud_run_v2_worker_pool",
            "push": "google_cloud_run_v2_service",
        }[runtime]
    ]


def test_it_moves_from_one_runtime_to_another(workspace: Workspace, tmp_path: Path) -> None:
    copy = workspace.copy(tmp_path / "terraform")
    for runtime in ("push", "mig", "worker-pool", "push"):
        copy.write_variables(project_id=PROJECT, bucket=BUCKET, worker={"runtime": runtime})
        done = copy.apply()
        assert done.returncode == 0, done.stderr
        assert problems(Stack(copy.state())) == []
        copy.succeed("plan", "-input=false", "-detailed-exitcode")  # and a second apply would change nothing


def test_the_registry_comes_first_and_alone(workspace: Workspace, tmp_path: Path) -> None:
    copy = workspace.copy(tmp_path / "terraform")
    copy.write_variables(project_id=PROJECT, bucket=BUCKET)
    target = re.search(r"-target=\S+", (ROOT / "deploy" / "image.sh").read_text())
    assert target
    copy.succeed("apply", "-auto-approve", "-input=false", target[0])
    registry = copy.succeed("output", "-raw", "registry")
    assert registry == f"us-central1-docker.pkg.dev/{PROJECT}/imagemeta"
    assert copy.succeed("output", "-raw", "build_bucket") == f"gs://{BUCKET}-builds"
    assert copy.succeed("output", "-raw", "build_account").startswith(
        f"projects/{PROJECT}/serviceAccounts/imagemeta-build@"
    )
    kinds = {resource.kind for resource in Stack(copy.state()).resources}
    assert "google_artifact_registry_repository" in kinds
    assert not kinds & {"google_pubsub_topic", "google_firestore_database", "google_compute_network"}
    for enabled, lock in ((False, "requirements.lock"), (True, "requirements-batches.lock")):
        copy.write_variables(project_id=PROJECT, bucket=BUCKET, batches={"enabled": enabled})
        copy.succeed("apply", "-auto-approve", "-input=false", target[0])
        assert copy.succeed("output", "-raw", "image_lock") == lock


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_applies_and_fits_on_a_screen(workspace: Workspace, example: str, tmp_path: Path) -> None:
    copy = workspace.copy(tmp_path / "terraform")
    within = f"examples/{example}"
    copy.succeed("init", "-input=false", within=within)
    copy.succeed("apply", "-auto-approve", "-input=false", within=within)
    state = json.loads(copy.succeed("show", "-json", within=within))
    state["values"]["root_module"] = state["values"]["root_module"]["child_modules"][0]
    assert state["values"]["outputs"]["upload"]["value"].startswith("gcloud storage cp ")
    assert len((STACK / within / "main.tf").read_text().splitlines()) <= 40


def test_everything_that_takes_labels_has_them(applied: Applied) -> None:
    schema = next(iter(json.loads(SCHEMAS["8.7.0"].read_text())["provider_schemas"].values()))["resource_schemas"]
    other = {"google_monitoring_alert_policy": "user_labels", "google_monitoring_notification_channel": "user_labels"}
    for runtime in RUNTIMES:
        for resource in applied(runtime).resources:
            label = other.get(resource.kind, "labels")
            if (
                schema.get(resource.kind, {"block": {"attributes": {}}})["block"]["attributes"]
                .get(label, {})
                .get("optional")
            ):
                assert resource[label] == {"app": "imagemeta"}, resource.address


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_bucket_is_told_of_only_when_all_is_ready(applied: Applied, runtime: str) -> None:
    stack = applied(runtime)
    assert stack.outputs["bucket"] == f"gs://{BUCKET}"
    assert stack.outputs["upload"] == f"gcloud storage cp photo.jpg gs://{BUCKET}/"
    text = (STACK / "outputs.tf").read_text()
    waits = text.split('output "bucket"')[1].split("output ")[0]
    for needed in (
        "google_storage_notification.images",
        "module.worker_mig",
        "module.worker_pool",
        "module.worker_push",
    ):
        assert needed in waits


def commands(stack: Stack) -> set[str]:
    """The first argument of everything that is started from the image."""
    units = [template["metadata"]["user-data"] for template in stack.all("compute_region_instance_template")]
    started = {match[1] for unit in units if (match := re.search(r"^\s*ExecStart=.* (\w+)$", unit, re.MULTILINE))}
    runs = [*stack.all("cloud_run_v2_service"), *stack.all("cloud_run_v2_worker_pool")]
    started |= {run.block("template")["containers"][0]["args"][0] for run in runs}
    return started | {arguments[0] for arguments in stack.job_arguments()}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_it_starts_is_a_command(applied: Applied, runtime: str) -> None:
    started = commands(applied(runtime))
    assert started == {"push" if runtime == "push" else "work", "backfill", "reconcile"}
    for command in started:
        done = subprocess.run(
            [sys.executable, "-m", "worker", command, "--help"], capture_output=True, cwd=ROOT, check=False
        )
        assert done.returncode == 0, done.stderr


def test_the_credential_provider_is_installed(applied: Applied) -> None:
    from importlib.metadata import entry_points

    name = applied("mig").settings["OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"]
    assert entry_points(group="opentelemetry_otlp_credential_provider", name=name), (
        f"the image would not start: no {name}"
    )


def test_console_and_jobs_start_with_the_image(wished: Wished) -> None:
    jobs = {"enabled": ["backfill", "export", "reconcile"]}
    stack = wished(jobs=jobs, web={"enabled": True, "members": ["group:ops@acme.org"]})
    assert problems(stack) == []
    assert commands(stack) == {"backfill", "export", "reconcile", "serve", "work"}
    assert {job["name"] for job in stack.all("cloud_scheduler_job")} == {"imagemeta-export", "imagemeta-reconcile"}


def test_a_key_reaches_every_agent_and_everything_that_takes_one(wished: Wished) -> None:
    key = "projects/acme-keys/locations/us-central1/keyRings/photos/cryptoKeys/imagemeta"
    stack = wished(kms_key_id=key, batches={"enabled": True}, changes={"enabled": True})
    agents = {who for who, role, _ in stack.grants() if role == "cloudkms.cryptoKeyEncrypterDecrypter"}
    assert agents == {f"agent {name}" for name in (
        "compute-system", "gcp-sa-artifactregistry", "gcp-sa-firestore", "gcp-sa-pubsub", "gs-project-accounts",
        "serverless-robot-prod",
    )}  # fmt: skip
    taking = (
        "storage_bucket",
        "pubsub_topic",
        "firestore_database",
        "artifact_registry_repository",
        "compute_region_instance_template",
    )
    for resource in (each for kind in taking for each in stack.all(kind)):
        assert key in json.dumps(resource.values), resource.address


@pytest.mark.parametrize(
    ("variables", "what"),
    [
        ({"project_id": "Acme Photos"}, "neither its number nor its title"),
        ({"project_id": "123456789012"}, "PROJECT_ID of gcloud projects list"),
        ({"bucket": "gs://acme"}, "without gs://"),
        ({"buckets": {"gs://acme-scans": {}}}, "that is prefix"),
        ({"region": "europe-west1-b"}, "neither a zone"),
        ({"kms_key_id": "mine"}, "gcloud kms keys list"),
        ({"subnetwork": "default"}, "projects/P/regions/R/subnetworks/S"),
        ({"subscription": {"retention_s": 60}}, "31 days"),
        ({"worker": {"max_instances": 0}}, "more than 0"),
        ({"worker": {"runtime": "lambda"}}, "mig, worker-pool or push"),
        ({"worker": {"spot": True, "grace_s": 40}}, "a spot machine 30 s"),
        ({"worker": {"min_instances": 30}}, "at most max_instances"),
        ({"subscription": {"max_delivery_attempts": 10}}, "must come first"),
        ({"web": {"enabled": True, "members": ["allUsers"]}}, "never everybody"),
        ({"web": {"enabled": True, "members": ["anna@example.com"]}}, "user:anna@example.com"),
        ({"web": {"enabled": True, "operate": True}}, "needs somebody who may"),
        ({"web": {"enabled": True, "pause": True}}, "a console that operates"),
        ({"buckets": {f"{BUCKET}-exports": {}}}, "each export would be news"),
        ({"batches": {"enabled": True, "readers": ["allUsers"]}}, "persons, groups or accounts"),
        ({"batches": {"enabled": True, "readers": ["shop"]}}, "user:anna@example.com"),
        ({"batches": {"enabled": True, "keep_days": 3}}, "must find its batch"),
        ({"changes": {"enabled": True, "bigquery": "catalog.changes"}}, "PROJECT.DATASET.TABLE"),
        ({"changes": {"bigquery": "acme.catalog.changes"}}, "needs changes.enabled"),
        ({"jobs": {"enabled": ["mine"]}}, "backfill, export and reconcile"),
        ({"settings": {"PATH": "/"}}, "IMAGEMETA_"),
        ({"firestore": {"tombstone_days": 1}}, "a week late"),
    ],
)
def test_a_wrong_wish_is_refused_with_a_reason(
    workspace: Workspace, tmp_path: Path, variables: dict[str, Any], what: str
) -> None:
    copy = workspace.copy(tmp_path / "terraform")
    copy.write_variables(**{"project_id": PROJECT, "bucket": BUCKET, **variables})
    done = copy.run("plan", "-input=false", "-no-color")
    assert done.returncode == 1
    assert what in re.sub(r"[│\s]+", " ", done.stderr)
