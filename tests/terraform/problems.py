"""What must hold of the stack whatever the variables: `problems` lists what does not.

The test of the stack asks that there are none; the test of planted faults, that each is among them.
"""

import json
import re
from collections.abc import Callable, Iterator

from tests.terraform.stack import Resource, Stack
from worker import indexes
from worker.backends.gcp import items
from worker.document import UNINDEXED
from worker.errors import Misconfigured
from worker.settings import Settings, load

EVENTS = {"OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE", "OBJECT_METADATA_UPDATE"}
STOP_SECONDS = {"STANDARD": 90, "SPOT": 30}
"""What Compute Engine waits between telling a machine to stop and stopping it."""
HARMLESS = {"monitoring.timeSeries.list", "storage.buckets.get", "storage.buckets.update"}
"""What roles of our own may contain."""


def problems(stack: Stack) -> list[str]:
    """What is wrong with the stack, in words."""
    rules: list[Callable[[Stack], Iterator[str]]] = [
        _delivery, _dead_letters, _events, _changes, _buckets, _store, _batches, _identity, _roles, _settings,
        _health, _size, _machines, _shutdown, _push, _console, _alarms,
    ]  # fmt: skip
    return [problem for rule in rules for problem in rule(stack)]


def _delivery(stack: Stack) -> Iterator[str]:
    subscription, retry = stack.subscription, stack.subscription.block("retry_policy")
    if subscription["enable_exactly_once_delivery"]:
        yield "exactly-once delivery is on"
    if subscription["filter"]:
        yield "the subscription filters: the worker does, and trusts nobody else to"
    if not subscription["retain_acked_messages"]:
        yield "acknowledged messages are not kept: no replay"
    if (retry.get("minimum_backoff"), retry.get("maximum_backoff")) != ("10s", "600s"):
        yield "the retry policy is not 10 s to 600 s"
    if int(stack.settings["IMAGEMETA_LEASE_SECONDS"]) != subscription["ack_deadline_seconds"]:
        yield "the worker's lease is not the subscription's acknowledgement deadline"
    for each in stack.all("pubsub_subscription"):
        if each.block("expiration_policy").get("ttl", "31 days") != "":
            yield f"{each['name']} expires when idle"


def _dead_letters(stack: Stack) -> Iterator[str]:
    policy = stack.subscription.block("dead_letter_policy")
    topic = policy.get("dead_letter_topic", "")
    if not topic:
        yield "there is no dead-letter policy"
    if policy.get("max_delivery_attempts", 0) <= Settings.model_fields["max_attempts"].default:
        yield "a message is a dead letter before the worker writes its failure down"
    if topic not in [each["topic"] for each in stack.all("pubsub_subscription")]:
        yield "nobody subscribes to the dead letters: they are lost"


def _events(stack: Stack) -> Iterator[str]:
    publisher = "google_pubsub_topic_iam_member.buckets_publish"
    for notification in stack.all("storage_notification"):
        if set(notification["event_types"]) != EVENTS:
            yield f"{notification['bucket']} does not tell of {', '.join(EVENTS - set(notification['event_types']))}"
        if notification["payload_format"] != "JSON_API_V1":
            yield f"{notification['bucket']} sends no facts along"
        if notification["topic"] != stack.subscription["topic"]:
            yield f"{notification['bucket']} tells a topic that nobody reads"
        for needed in (stack.subscription.address, publisher):
            if needed not in notification.after:
                yield f"the notification may come before {needed}: the first upload would be lost"
    notified = {notification["bucket"] for notification in stack.all("storage_notification")}
    read = {on for who, role, on in stack.grants() if who.endswith("-worker") and role == "storage.objectViewer"}
    if notified != read:
        yield f"the worker reads {read} and is told of {notified}"
    for bucket in stack.all("storage_bucket"):
        if re.search("-(batches|builds|exports)$", bucket["name"]) and bucket["name"] in notified:
            yield f"what is written to {bucket['name']} is news to the worker"


def _changes(stack: Stack) -> Iterator[str]:
    told = stack.settings.get("IMAGEMETA_CHANGES", "").removeprefix("pubsub://").replace("/", "/topics/")
    if told and f"projects/{told}" == stack.subscription["topic"]:
        yield "the worker would work on what it tells"
    for each in stack.all("pubsub_subscription"):
        if not (table := each.block("bigquery_config")):
            continue
        if each["topic"] != f"projects/{told}":
            yield f"{table['table']} takes what nobody tells"
        if not table["use_table_schema"]:
            yield f"{table['table']} keeps its columns empty"
        if "google_bigquery_table_iam_member.changes" not in each.after:
            yield f"Pub/Sub may not write to {table['table']} yet when it is asked to"


def _buckets(stack: Stack) -> Iterator[str]:
    for bucket in stack.all("storage_bucket"):
        if bucket["public_access_prevention"] != "enforced" or not bucket["uniform_bucket_level_access"]:
            yield f"{bucket['name']} could be made public"
    exports = {
        arg.split("/")[2] for args in stack.job_arguments() if args[0] == "export" for arg in args if "//" in arg
    }
    for bucket in stack.all("storage_notification"):
        if bucket["bucket"] in exports:
            yield "exports are written into a bucket of images: each would be news to the worker"


def _store(stack: Stack) -> Iterator[str]:
    database = stack.one("firestore_database.default")
    if database["name"] == "(default)" or database["type"] != "FIRESTORE_NATIVE":
        yield "the database is not a named one in native mode"
    if database["delete_protection_state"] != "DELETE_PROTECTION_ENABLED" or database["deletion_policy"] != "ABANDON":
        yield "terraform destroy would take the documents along"
    fields = [field for field in stack.all("firestore_field") if not field["collection"].endswith("_items")]
    exempt = _exempt(fields)
    for name in sorted(set(indexes.EXEMPT) - exempt):
        yield f"{name} is indexed"
    for name in sorted(exempt - set(indexes.EXEMPT)):
        yield f"the doctor does not know that {name} is not indexed"
    expiring = [field for field in fields if field["ttl_config"]]
    if [field["field"] for field in expiring] != ["deleted_at"]:
        yield "tombstones, and only they, should expire"
    if any(not field.block("ttl_config")["expiration_offset"] for field in expiring):
        yield "tombstones expire at once"
    made = {
        tuple((field["field_path"], field["order"] or field["array_config"]) for field in each["fields"])
        for each in stack.all("firestore_index")
    }
    if made != set(indexes.COMPOSITE):
        yield f"these indexes are not those that the doctor asks for: {made ^ set(indexes.COMPOSITE)}"
    for index in stack.all("firestore_index"):
        paths = [field["field_path"] for field in index["fields"]]
        ahead = paths[: paths.index("search.time")] if "search.time" in paths else paths
        if {*paths} & {*UNINDEXED} or {*ahead} & {*indexes.GROWING}:
            yield f"{index.address} begins with a field that only grows, or covers one that is never asked for"


def _exempt(fields: list[Resource]) -> set[str]:
    """The fields that no index covers."""
    return {field["field"] for field in fields if field["index_config"] and not field.block("index_config")["indexes"]}


def _batches(stack: Stack) -> Iterator[str]:
    output = stack.settings.get("IMAGEMETA_BATCH_OUTPUT")
    if not output:
        return
    bucket = next((each for each in stack.all("storage_bucket") if output == f"gs://{each['name']}"), None)
    if bucket is None:
        yield f"results go to {output}, which nobody made"
    elif not any(rule["action"][0]["type"] == "Delete" for rule in bucket["lifecycle_rule"]):
        yield "results are kept for ever"
    if output.removeprefix("gs://") in {notification["bucket"] for notification in stack.all("storage_notification")}:
        yield "results are news to the worker"
    yield from _items([field for field in stack.all("firestore_field") if field["collection"] == "images_items"])
    if stack.all("compute_network") and not stack.all("compute_router_nat"):
        yield "the machines cannot fetch anything"


def _items(fields: list[Resource]) -> Iterator[str]:
    if [field["field"] for field in fields if field["ttl_config"]] != ["expires_at"]:
        yield "items of batches are kept for ever"
    if "*" not in _exempt(fields):
        yield "every field of an item is indexed"
    indexed = {
        (field["field"], *(index["order"] for index in field.block("index_config")["indexes"])) for field in fields
    }
    for name in items.COUNTED_BY:
        if (name, "ASCENDING") not in indexed:
            yield f"items cannot be counted by {name}"


def _identity(stack: Stack) -> Iterator[str]:
    if stack.all("service_account_key"):
        yield "an account has a key file"
    name = stack.one("firestore_database.default")["name"]
    for member in stack.all("project_iam_member"):
        expression = member.block("condition").get("expression")
        if expression and not expression.endswith(f'/databases/{name}"'):
            yield "a condition names another database"
    for who, role, on in sorted(stack.grants()):
        if role in {"owner", "editor", "viewer"} or "admin" in role.lower():
            yield f"{who} has the primitive or administrative role {role}"
        if who in {"allUsers", "allAuthenticatedUsers"}:
            yield f"everybody has {role} on {on}"
        if role.startswith("datastore.") and on != "one database":
            yield f"{who} has {role} on every database"
        if role.startswith(("storage.", "pubsub.", "run.", "artifactregistry.")) and on == "the project":
            yield f"{who} has {role} on the whole project"


def _roles(stack: Stack) -> Iterator[str]:
    granted = {role for _, role, _ in stack.grants()}
    for role in stack.all("project_iam_custom_role"):
        if role["role_id"] not in granted:
            yield f"nobody has the role {role['role_id']}"
        for permission in sorted(set(role["permissions"]) - HARMLESS):
            yield f"the role {role['role_id']} may {permission}"


def _settings(stack: Stack) -> Iterator[str]:
    try:
        settings = load(stack.settings)
    except Misconfigured as error:
        yield f"the worker refuses its settings: {error}"
        return
    database = stack.one("firestore_database.default")
    if settings.documents != f"firestore://{database['project']}/{database['name']}/images":
        yield f"documents go to {settings.documents}"
    queue = f"pubsub://{stack.subscription['project']}/{stack.subscription['name']}"
    if not settings.push_audience and settings.queue != queue:
        yield f"messages are taken from {settings.queue}"
    if not 0 < float(stack.settings.get("OTEL_TRACES_SAMPLER_ARG", 1)) <= 0.05:
        yield "every message leaves a trace"


def _health(stack: Stack) -> Iterator[str]:
    port = int(stack.settings["IMAGEMETA_HEALTH"].rpartition(":")[2])
    for check in stack.all("compute_region_health_check"):
        asked = check.block("http_health_check")
        if (asked["port"], asked["request_path"]) != (port, "/healthz"):
            yield "the health check asks where nobody answers"
    for wall in stack.all("compute_firewall"):
        if str(port) not in wall.block("allow")["ports"]:
            yield "the health check does not get through the firewall"
        if "0.0.0.0/0" in wall["source_ranges"]:
            yield "anybody may call the machines"


def _size(stack: Stack) -> Iterator[str]:
    for scaler in stack.all("compute_region_autoscaler"):
        policy = scaler.block("autoscaling_policy")
        metric = (policy["metric"] or [{}])[0]
        if f'subscription_id = "{stack.subscription["name"]}"' not in metric.get("filter", ""):
            yield "the group does not follow the worker's subscription"
        if not metric.get("single_instance_assignment") or metric.get("target") or metric.get("type"):
            yield "the group's metric is not a share of the backlog"
        if policy["cpu_utilization"] and policy["min_replicas"] == 0:
            yield "a group of none is measured by its CPU"
    for group in stack.all("compute_region_instance_group_manager"):
        if group["target_size"]:
            yield "group and autoscaler both own the size"


def _machines(stack: Stack) -> Iterator[str]:
    for template in stack.all("compute_region_instance_template"):
        if template.block("network_interface").get("access_config"):
            yield "the machines have an address outside"
        if not template.block("shielded_instance_config").get("enable_secure_boot"):
            yield "the machines start what nobody signed"


def _shutdown(stack: Stack) -> Iterator[str]:
    grace = float(stack.settings["IMAGEMETA_GRACE_SECONDS"])
    templates = stack.all("compute_region_instance_template")
    for template in templates:
        config = template["metadata"]["user-data"]
        stop, unit = re.search(r"docker stop --time=(\d+)", config), re.search(r"TimeoutStopSec=(\d+)", config)
        allowed = STOP_SECONDS[template.block("scheduling")["provisioning_model"]]
        if not stop or not unit or not grace + 2 < int(stop[1]) < int(unit[1]) <= allowed:
            yield f"the worker's grace of {grace:g} s does not fit into the {allowed} s that a machine has to stop"
    if not templates and grace + 2 > 10:
        yield f"the worker's grace of {grace:g} s does not fit into the 10 s that Cloud Run waits"


def _push(stack: Stack) -> Iterator[str]:
    services = [each for each in stack.all("cloud_run_v2_service") if each["name"].endswith("-worker")]
    for service in services:
        push = stack.subscription.block("push_config")
        token = (push.get("oidc_token") or [{}])[0]
        named = {token.get("audience"), stack.settings["IMAGEMETA_PUSH_AUDIENCE"], *service["custom_audiences"]}
        if push.get("push_endpoint") != f"{service['uri']}/":
            yield "pushes go elsewhere than to the worker"
        if len(named) != 1:
            yield f"subscription, service and worker do not agree on the audience: {named}"
        if not load(stack.settings).push_checked:
            yield "the worker refuses pushes whose signature Cloud Run has checked and taken away"
        if token.get("service_account_email") != stack.settings["IMAGEMETA_PUSH_ACCOUNT"]:
            yield "the worker does not know the account that pushes come from"
        if service["ingress"] != "INGRESS_TRAFFIC_INTERNAL_ONLY":
            yield "anybody may knock at the worker"
        if service.block("template")["timeout"] != f"{stack.subscription['ack_deadline_seconds']}s":
            yield "a request may outlive its acknowledgement deadline"


def _console(stack: Stack) -> Iterator[str]:
    for console in stack.all("cloud_run_v2_service"):
        if not console["name"].endswith("-web"):
            continue
        container = console.block("template")["containers"][0]
        try:
            settings = load({variable["name"]: variable["value"] for variable in container["env"]})
        except Misconfigured as error:
            yield f"the console refuses its settings: {error}"
            continue
        if settings.oidc_audience and settings.oidc_audience not in (console["custom_audiences"] or ()):
            yield "Cloud Run refuses the tokens that the console takes"
        if settings.topic:
            yield from _operates(stack, settings)
            yield from _goes_on(console)


def _operates(stack: Stack, settings: Settings) -> Iterator[str]:
    if settings.queue != f"pubsub://{stack.subscription['project']}/{stack.subscription['name']}":
        yield f"the console shows the backlog of {settings.queue}"
    if settings.topic.rpartition("/")[2] != stack.subscription["topic"].rpartition("/")[2]:
        yield f"the console sends work to {settings.topic}"
    if settings.changes != stack.settings.get("IMAGEMETA_CHANGES", ""):
        yield "nobody is told of dead letters that the console writes down"
    if settings.batch_output != stack.settings.get("IMAGEMETA_BATCH_OUTPUT", ""):
        yield "the console cannot write down dead letters of batches"


def _goes_on(console: Resource) -> Iterator[str]:
    template = console.block("template")
    if template["containers"][0]["resources"][0]["cpu_idle"]:
        yield "runs stand still while nobody asks the console"
    if template["scaling"][0]["max_instance_count"] != 1:
        yield "two consoles may begin the same run"


def _alarms(stack: Stack) -> Iterator[str]:
    text = " ".join(json.dumps(policy.values) for policy in stack.all("monitoring_alert_policy"))
    for metric in (
        "oldest_unacked_message_age",
        "num_undelivered_messages",
        "_failed{",
        "condition_absent",
        "misconfigured",
    ):
        if metric not in text:
            yield f"nobody is told by {metric}"
    for policy in stack.all("monitoring_alert_policy"):
        if "1. " not in policy.block("documentation").get("content", ""):
            yield f"{policy['display_name']} does not say what to do"
    subscriptions = {each["name"] for each in stack.all("pubsub_subscription")}
    boards = " ".join(board["dashboard_json"] for board in stack.all("monitoring_dashboard"))
    named = re.findall(r'subscription_id = \\+"([^"\\]+)', text + boards)
    watched = set(re.findall(r'subscription_id = \\+"([^"\\]+)', text))
    for name in sorted(subscriptions - watched):
        yield f"nobody is told if {name} stands still"
    for name in sorted(set(named) - subscriptions):
        yield f"an alert or the dashboard looks at {name}, which does not exist"
