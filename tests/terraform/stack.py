"""What was applied, as `terraform show` tells it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

_AGENT = re.compile(r"service-\d+@([a-z-]+)\.iam\.gserviceaccount\.com")


@dataclass(frozen=True)
class Resource:
    """One resource: its address, type and values, and the addresses that it was made after."""

    address: str
    kind: str
    values: dict[str, Any]
    after: frozenset[str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def block(self, name: str) -> dict[str, Any]:
        """A nested block of which there is one at most; empty if there is none."""
        blocks: list[dict[str, Any]] = self.values.get(name) or [{}]
        return blocks[0]


class Stack:
    """Everything that `terraform show -json` tells of a state."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.outputs = {name: output["value"] for name, output in state["values"]["outputs"].items()}
        self.resources = list(_resources(state["values"]["root_module"]))

    def all(self, kind: str) -> list[Resource]:
        """The resources of a type, without its `google_`."""
        return [resource for resource in self.resources if resource.kind == f"google_{kind}"]

    def one(self, address: str) -> Resource:
        """The resource at an address without `google_`."""
        return next(resource for resource in self.resources if resource.address == f"google_{address}")

    @property
    def subscription(self) -> Resource:
        """What the worker works on."""
        return self.one("pubsub_subscription.worker")

    @property
    def settings(self) -> dict[str, str]:
        """The worker's environment, wherever it runs."""
        for template in self.all("compute_region_instance_template"):
            files = yaml.safe_load(template["metadata"]["user-data"])["write_files"]
            lines = next(file["content"] for file in files if file["path"] == "/etc/imagemeta/env").splitlines()
            return dict(line.split("=", 1) for line in lines)
        containers = self.worker_container["env"]
        return {variable["name"]: variable["value"] for variable in containers}

    @property
    def worker_container(self) -> dict[str, Any]:
        """The worker's container on Cloud Run."""
        runs = [*self.all("cloud_run_v2_service"), *self.all("cloud_run_v2_worker_pool")]
        worker = next(run for run in runs if run["name"].endswith("-worker"))
        container: dict[str, Any] = worker.block("template")["containers"][0]
        return container

    def job_arguments(self) -> list[list[str]]:
        """The arguments of each job."""
        templates = [job.block("template")["template"][0] for job in self.all("cloud_run_v2_job")]
        return [template["containers"][0]["args"] for template in templates]

    def grants(self) -> set[tuple[str, str, str]]:
        """Who may do what, on what: all IAM members of the stack."""
        return {
            grant for resource in self.resources if resource.kind.endswith("_iam_member") for grant in _grant(resource)
        }


def _resources(module: dict[str, Any]) -> Iterator[Resource]:
    for resource in module.get("resources", ()):
        if resource["mode"] == "managed":
            after = frozenset(resource.get("depends_on", ()))
            yield Resource(resource["address"], resource["type"], resource["values"], after)
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _grant(resource: Resource) -> Iterator[tuple[str, str, str]]:
    on = (
        *("topic", "subscription", "bucket", "repository", "table_id", "cloud_run_service_name"),
        *("service_account_id", "name"),
    )
    target = next((str(resource[name]) for name in on if resource.values.get(name)), "the project")
    if resource.block("condition"):
        target = "one database"
    role = resource["role"]
    yield _short(resource["member"]), role.rpartition("roles/")[2], _short(target)


def _short(who: str) -> str:
    name = who.rsplit("/", 1)[-1].split(":", 1)[-1]
    agent = _AGENT.fullmatch(name)
    return f"agent {agent[1]}" if agent else name.split("@", 1)[0]
