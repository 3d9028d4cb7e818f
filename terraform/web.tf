# The console and its API: private by default, by IAP or by invoker members; who
# is let in may do what var.web.viewers says.
#
# It reads documents, and can change nothing, unless web.operate wants more: then
# it may do what the commands do, and runs go on behind its back.

locals {
  # Known before the service is made, as its own address is not.
  web_audience = "https://${var.name}-web-${local.project_number}.${var.region}.run.app"

  web_settings = merge(
    {
      IMAGEMETA_API_KEYS      = tostring(var.web.api_keys)
      IMAGEMETA_DOCUMENTS     = local.documents
      IMAGEMETA_SERVE_ADDRESS = ":8080"
      IMAGEMETA_VIEWERS       = var.web.viewers
      (var.web.iap ? "IMAGEMETA_IAP_AUDIENCE" : "IMAGEMETA_OIDC_AUDIENCE") = (
        var.web.iap
        ? "/projects/${local.project_number}/locations/${var.region}/services/${var.name}-web"
        : local.web_audience
      )
    },
    # It writes dead letters down, those of batches as well, and tells of them.
    var.web.operate ? merge(local.batch_settings, local.change_settings) : {},
    var.web.operate ? {
      IMAGEMETA_DEAD_LETTERS = local.dead_letters
      IMAGEMETA_QUEUE        = local.queue
      IMAGEMETA_TOPIC        = local.topic
    } : {},
  )

  operates = var.web.enabled && var.web.operate
  pauses   = local.operates && var.web.pause

  # A picture's preview is in the object, and so is what a backfill counts.
  web_reads = var.web.enabled && (var.web.operate || var.web.previews) ? local.bucket_names : {}
}

resource "google_service_account" "web" {
  count        = var.web.enabled ? 1 : 0
  project      = var.project_id
  account_id   = "${var.name}-web"
  display_name = var.web.operate ? "imagemeta: shows documents, and operates" : "imagemeta: shows documents"

  depends_on = [google_project_service.default]
}

resource "google_storage_bucket_iam_member" "web_reads" {
  for_each = local.web_reads
  bucket   = each.value
  role     = "roles/storage.objectViewer"
  member   = google_service_account.web[0].member
}

resource "google_cloud_run_v2_service" "web" {
  count               = var.web.enabled ? 1 : 0
  project             = var.project_id
  location            = var.region
  name                = "${var.name}-web"
  custom_audiences    = var.web.iap ? null : [local.web_audience]
  deletion_protection = var.deletion_protection
  iap_enabled         = var.web.iap
  labels              = local.labels

  template {
    encryption_key  = var.kms_key_id
    service_account = google_service_account.web[0].email

    # One that operates is one: it knows of itself alone what is at work already.
    scaling {
      max_instance_count = coalesce(var.web.max_instances, var.web.operate ? 1 : 3)
      min_instance_count = var.web.min_instances
    }

    containers {
      image = local.image
      args  = ["serve"]

      dynamic "env" {
        for_each = merge(local.untraced, var.settings, local.web_settings)
        content {
          name  = env.key
          value = env.value
        }
      }

      resources {
        cpu_idle          = !var.web.operate # a run goes on after the request that began it
        limits            = { cpu = "1", memory = "1Gi" }
        startup_cpu_boost = true
      }

      startup_probe {
        http_get {
          path = "/healthz"
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

resource "google_cloud_run_v2_service_iam_member" "web" {
  for_each = var.web.enabled ? toset(var.web.iap ? ["serviceAccount:${local.agents.iap}"] : var.web.members) : []
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.web[0].name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_iap_web_cloud_run_service_iam_member" "web" {
  for_each               = var.web.enabled && var.web.iap ? toset(var.web.members) : []
  project                = var.project_id
  location               = var.region
  cloud_run_service_name = google_cloud_run_v2_service.web[0].name
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.value
}

# What operating takes.

# Every action but a replay by the queue publishes.
resource "google_pubsub_topic_iam_member" "web_publishes" {
  count   = local.operates ? 1 : 0
  project = var.project_id
  topic   = google_pubsub_topic.images.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.web[0].member
}

# A redrive writes the dead letters down first.
resource "google_pubsub_subscription_iam_member" "web_drains" {
  count        = local.operates ? 1 : 0
  project      = var.project_id
  subscription = google_pubsub_subscription.dead_letters.name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.web[0].member

  lifecycle {
    replace_triggered_by = [google_pubsub_subscription.dead_letters.id]
  }
}

# A replay looks how far the subscription reaches back, and seeks.
resource "google_pubsub_subscription_iam_member" "web_rewinds" {
  for_each     = local.operates ? toset(["roles/pubsub.subscriber", "roles/pubsub.viewer"]) : []
  project      = var.project_id
  subscription = google_pubsub_subscription.worker.name
  role         = each.value
  member       = google_service_account.web[0].member

  lifecycle {
    replace_triggered_by = [google_pubsub_subscription.worker.id]
  }
}

# The backlog is a figure of Cloud Monitoring, whose own roles tell everything.
resource "google_project_iam_custom_role" "backlog" {
  count       = local.operates ? 1 : 0
  project     = var.project_id
  role_id     = "${replace(var.name, "-", "_")}_backlog"
  title       = "imagemeta: knows how much waits"
  permissions = ["monitoring.timeSeries.list"]

  depends_on = [google_project_service.default]
}

resource "google_project_iam_member" "web_knows_the_backlog" {
  count   = local.operates ? 1 : 0
  project = var.project_id
  role    = google_project_iam_custom_role.backlog[0].name
  member  = google_service_account.web[0].member
}

# A notification is made and deleted with the right to change its bucket: also
# what it keeps for how long. So this is a wish of its own.
resource "google_project_iam_custom_role" "pause" {
  count       = local.pauses ? 1 : 0
  project     = var.project_id
  role_id     = "${replace(var.name, "-", "_")}_pause"
  title       = "imagemeta: switches notifications of a bucket"
  permissions = ["storage.buckets.get", "storage.buckets.update"]

  depends_on = [google_project_service.default]
}

resource "google_storage_bucket_iam_member" "web_pauses" {
  for_each = local.pauses ? local.bucket_names : {}
  bucket   = each.value
  role     = google_project_iam_custom_role.pause[0].name
  member   = google_service_account.web[0].member
}
