# The worker's image with other arguments, once or by the clock.

locals {
  jobs = {
    for name, job in {
      backfill  = { args = concat(["backfill"], [for bucket in keys(local.buckets) : "gs://${bucket}"]), timeout_s = 86400, schedule = null }
      export    = { args = ["export", "--to", "gs://${var.bucket}-exports/images.jsonl", "--gzip"], timeout_s = 3600, schedule = var.jobs.export_schedule }
      reconcile = { args = concat(["reconcile", "--repair"], [for bucket in keys(local.buckets) : "gs://${bucket}"]), timeout_s = 86400, schedule = var.jobs.reconcile_schedule }
    } : name => job if contains(var.jobs.enabled, name)
  }
  schedules = { for name, job in local.jobs : name => job.schedule if job.schedule != null }
}

resource "google_service_account" "jobs" {
  count        = length(local.jobs) > 0 ? 1 : 0
  project      = var.project_id
  account_id   = "${var.name}-jobs"
  display_name = "imagemeta: backfill, reconcile, export"

  depends_on = [google_project_service.default]
}

resource "google_cloud_run_v2_job" "default" {
  for_each            = local.jobs
  project             = var.project_id
  location            = var.region
  name                = "${var.name}-${each.key}"
  deletion_protection = var.deletion_protection
  labels              = local.labels

  template {
    template {
      encryption_key  = var.kms_key_id
      max_retries     = 3
      service_account = google_service_account.jobs[0].email
      timeout         = "${each.value.timeout_s}s"

      containers {
        image = local.image
        args  = each.value.args

        dynamic "env" {
          for_each = merge(local.untraced, var.settings, {
            IMAGEMETA_DOCUMENTS = local.documents
            IMAGEMETA_TOPIC     = local.topic
          })
          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }

  depends_on = [
    google_artifact_registry_repository.default,
    google_project_iam_member.database,
    google_project_service.default,
  ]
}

resource "google_storage_bucket_iam_member" "jobs_list" {
  for_each = length(local.jobs) > 0 ? local.bucket_names : {}
  bucket   = each.value
  role     = "roles/storage.objectViewer"
  member   = google_service_account.jobs[0].member
}

resource "google_pubsub_topic_iam_member" "jobs_publish" {
  count   = length(setintersection(keys(local.jobs), ["backfill", "reconcile"])) > 0 ? 1 : 0
  project = var.project_id
  topic   = google_pubsub_topic.images.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.jobs[0].member
}

# Not the bucket of the images: there, each export would be news to the worker.
resource "google_storage_bucket" "exports" {
  count                       = contains(keys(local.jobs), "export") ? 1 : 0
  project                     = var.project_id
  name                        = "${var.bucket}-exports"
  location                    = upper(var.region)
  labels                      = local.labels
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  dynamic "encryption" {
    for_each = var.kms_key_id[*]
    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_kms_crypto_key_iam_member.agents]
}

# An export is composed of pieces, which go when it is whole; and it looks
# whether its own bucket announces anything.
resource "google_storage_bucket_iam_member" "jobs_export" {
  for_each = length(google_storage_bucket.exports) > 0 ? toset(["roles/storage.objectUser", "roles/storage.legacyBucketReader"]) : []
  bucket   = google_storage_bucket.exports[0].name
  role     = each.value
  member   = google_service_account.jobs[0].member
}

# By the clock.

resource "google_service_account" "scheduler" {
  count        = length(local.schedules) > 0 ? 1 : 0
  project      = var.project_id
  account_id   = "${var.name}-scheduler"
  display_name = "imagemeta: starts jobs by the clock"

  depends_on = [google_project_service.default]
}

resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  for_each = local.schedules
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_job.default[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler[0].member
}

resource "google_cloud_scheduler_job" "default" {
  for_each  = local.schedules
  project   = var.project_id
  region    = var.region
  name      = "${var.name}-${each.key}"
  schedule  = each.value
  time_zone = var.jobs.time_zone

  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/${google_cloud_run_v2_job.default[each.key].id}:run"
    oauth_token {
      service_account_email = google_service_account.scheduler[0].email
    }
  }

  depends_on = [google_cloud_run_v2_job_iam_member.scheduler, google_project_service.default]
}
