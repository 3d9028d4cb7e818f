# One account per role, each with what it needs and nothing more. No key file
# anywhere: everybody is who the machine says he is. Here is the worker, and who
# may use the database; what others may do, Google's own agents among them,
# stands beside what they do it for.

locals {
  one_database = {
    title      = "one_database"
    expression = "resource.name == \"projects/${var.project_id}/databases/${var.firestore.database}\""
  }
  database_roles = merge(
    { worker = { member = google_service_account.worker.member, role = "roles/datastore.user" } },
    length(local.jobs) > 0 ? { jobs = { member = google_service_account.jobs[0].member, role = "roles/datastore.user" } } : {},
    var.web.enabled ? { web = { member = google_service_account.web[0].member, role = "roles/datastore.${var.web.operate ? "user" : "viewer"}" } } : {},
  )
}

resource "google_project_iam_member" "database" {
  for_each = local.database_roles
  project  = var.project_id
  role     = each.value.role
  member   = each.value.member

  condition {
    title      = local.one_database.title
    expression = local.one_database.expression
  }
}

# The worker.

resource "google_service_account" "worker" {
  project      = var.project_id
  account_id   = "${var.name}-worker"
  display_name = "imagemeta: reads images, writes documents"

  depends_on = [google_project_service.default]
}

resource "google_project_iam_member" "worker_telemetry" {
  for_each = toset([
    "roles/logging.logWriter",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/telemetry.metricsWriter",
    "roles/telemetry.tracesWriter",
  ])
  project = var.project_id
  role    = each.value
  member  = google_service_account.worker.member
}

resource "google_storage_bucket_iam_member" "worker_reads" {
  for_each = local.bucket_names
  bucket   = each.value
  role     = "roles/storage.objectViewer"
  member   = google_service_account.worker.member
}

resource "google_pubsub_subscription_iam_member" "worker_pulls" {
  count        = local.pull ? 1 : 0
  project      = var.project_id
  subscription = google_pubsub_subscription.worker.name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.worker.member

  lifecycle {
    replace_triggered_by = [google_pubsub_subscription.worker.id]
  }
}

# The worker writes dead letters down as failed documents, whatever runs it.
resource "google_pubsub_subscription_iam_member" "worker_drains" {
  project      = var.project_id
  subscription = google_pubsub_subscription.dead_letters.name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.worker.member

  lifecycle {
    replace_triggered_by = [google_pubsub_subscription.dead_letters.id]
  }
}

# Machines pull the image as the worker; Cloud Run does it as its own agent.
resource "google_artifact_registry_repository_iam_member" "worker_pulls_image" {
  count      = local.mig ? 1 : 0
  project    = var.project_id
  location   = google_artifact_registry_repository.default.location
  repository = google_artifact_registry_repository.default.name
  role       = "roles/artifactregistry.reader"
  member     = google_service_account.worker.member
}

# Push: Pub/Sub mints a token of the invoker, and the invoker may call the worker.

resource "google_service_account" "invoker" {
  count        = local.push ? 1 : 0
  project      = var.project_id
  account_id   = "${var.name}-invoker"
  display_name = "imagemeta: whom a push request comes from"

  depends_on = [google_project_service.default]
}

resource "google_service_account_iam_member" "push_tokens" {
  count              = local.push ? 1 : 0
  service_account_id = google_service_account.invoker[0].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:${local.agents.pubsub}"
}

resource "google_cloud_run_v2_service_iam_member" "invoker" {
  count    = local.push ? 1 : 0
  project  = var.project_id
  location = var.region
  name     = module.worker_push[0].name
  role     = "roles/run.invoker"
  member   = google_service_account.invoker[0].member
}
