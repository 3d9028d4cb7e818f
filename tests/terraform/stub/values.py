"""Plausible values for what the cloud would compute, so that references and outputs can be asserted on."""

from typing import Any

from tests.terraform.stub.planning import unknown

NUMBER = "123456789012"
"""The number of every project."""
_NAMES = ("name", "account_id", "repository_id", "service", "bucket", "id")
_PLACES = ("location", "region", "zone")
_LABELS = ("effective_labels", "terraform_labels")


class Cloud:
    """Knows what a provider configured with this project and region would compute."""

    def __init__(self, project: str | None = None, region: str | None = None) -> None:
        self._project = project or "stub-project"
        self._region = region or "us-central1"

    def filled(self, kind: str, block: dict[str, Any], value: object, top: dict[str, Any] | None = None) -> Any:
        """The value with every unknown attribute known; nested blocks are told of the resource they are in."""
        if not isinstance(value, dict):
            return value
        out, whole = dict(value), value if top is None else top
        for name, attribute in block["attributes"].items():
            if unknown(out.get(name)):
                known = self._computed(kind, name, whole) if whole is value else None
                out[name] = _zero(attribute["type"]) if known is None else known
        for name, nested in block.get("block_types", {}).items():
            inner = out.get(name)
            if unknown(inner):
                out[name] = []
            elif isinstance(inner, list):
                out[name] = [self.filled(kind, nested["block"], item, whole) for item in inner]
            else:
                out[name] = self.filled(kind, nested["block"], inner, whole)
        return out

    def _computed(self, kind: str, attribute: str, state: dict[str, Any]) -> Any:
        if attribute in _LABELS:
            return {} if unknown(state.get("labels")) else dict(state.get("labels") or {})
        project = _first(state, ("project",), self._project)
        place = _first(state, _PLACES, self._region)
        name = _first(state, _NAMES, kind)
        role = f"projects/{project}/roles/{state.get('role_id')}"
        account = f"{state.get('account_id')}@{project}.iam.gserviceaccount.com"
        agent = f"service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
        short = kind.removeprefix("google_")
        known = {
            "google_service_account.email": account,
            "google_service_account.member": f"serviceAccount:{account}",
            "google_service_account.name": f"projects/{project}/serviceAccounts/{account}",
            "google_service_account.id": f"projects/{project}/serviceAccounts/{account}",
            "google_project_iam_custom_role.name": role,
            "google_project_iam_custom_role.id": role,
            "google_artifact_registry_repository.name": name,
            "google_project.number": NUMBER,
            "google_storage_project_service_account.email_address": agent,
            "google_storage_project_service_account.member": f"serviceAccount:{agent}",
            "google_pubsub_topic.id": f"projects/{project}/topics/{name}",
            "google_pubsub_subscription.id": f"projects/{project}/subscriptions/{name}",
            "google_cloud_run_v2_service.uri": f"https://{name}-{NUMBER}.{place}.run.app",
            "google_cloud_run_v2_job.id": f"projects/{project}/locations/{place}/jobs/{name}",
            "google_storage_bucket.url": f"gs://{name}",
            "google_storage_bucket.id": name,
        }
        usual = {
            "project": project,
            "region": self._region,
            "location": self._region,
            "self_link": f"https://www.googleapis.com/stub/v1/projects/{project}/{short}/{name}",
            "id": f"projects/{project}/{short}/{name}",
        }
        return known.get(f"{kind}.{attribute}", usual.get(attribute))


def _first(state: dict[str, Any], names: tuple[str, ...], otherwise: str) -> str:
    return next((state[name] for name in names if isinstance(state.get(name), str)), otherwise)


def _zero(kind: Any) -> Any:
    if not isinstance(kind, list):
        return {"string": "", "number": 0, "bool": False}[kind]
    if kind[0] == "object":
        return {name: _zero(inner) for name, inner in kind[1].items()}
    return {} if kind[0] == "map" else []
