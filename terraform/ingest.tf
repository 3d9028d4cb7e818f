# Bucket -> notification -> topic -> subscription, and where messages go that
# nobody can deliver.
#
# The order matters: a topic without a subscription drops what it is given, and
# a bucket that may not publish tells nobody. So a notification comes last, and
# the output "bucket" after everything.

locals {
  buckets = merge(
    { (var.bucket) = { create = true, force_destroy = false, location = null, prefix = null } },
    var.buckets,
  )
  # Those that are made here are there before anything is done with them.
  bucket_names      = { for name, bucket in local.buckets : name => bucket.create ? google_storage_bucket.images[name].name : name }
  subscription_name = "${var.name}-worker"
}

data "google_storage_project_service_account" "default" {
  project    = var.project_id
  depends_on = [google_project_service.default]
}

resource "google_storage_bucket" "images" {
  for_each                    = { for name, bucket in local.buckets : name => bucket if bucket.create }
  project                     = var.project_id
  name                        = each.key
  location                    = upper(coalesce(each.value.location, var.region))
  force_destroy               = each.value.force_destroy
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

resource "google_pubsub_topic" "images" {
  project      = var.project_id
  name         = "${var.name}-images"
  kms_key_name = var.kms_key_id
  labels       = local.labels

  depends_on = [google_kms_crypto_key_iam_member.agents, google_project_service.default]
}

resource "google_pubsub_topic_iam_member" "buckets_publish" {
  project = var.project_id
  topic   = google_pubsub_topic.images.name
  role    = "roles/pubsub.publisher"
  member  = data.google_storage_project_service_account.default.member
}

resource "google_storage_notification" "images" {
  for_each           = local.buckets
  bucket             = local.bucket_names[each.key]
  topic              = google_pubsub_topic.images.id
  payload_format     = "JSON_API_V1"
  event_types        = ["OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE", "OBJECT_METADATA_UPDATE"]
  object_name_prefix = each.value.prefix

  depends_on = [
    google_pubsub_subscription.worker,
    google_pubsub_subscription_iam_member.dead_letters_forwarded,
    google_pubsub_topic_iam_member.buckets_publish,
    google_pubsub_topic_iam_member.dead_letters_forwarded,
  ]
}

# No exactly-once delivery (docs/adr/0009), and no filter: both cannot be
# changed or cost throughput, and the worker needs neither.
resource "google_pubsub_subscription" "worker" {
  project                    = var.project_id
  name                       = local.subscription_name
  topic                      = google_pubsub_topic.images.id
  labels                     = local.labels
  ack_deadline_seconds       = var.subscription.ack_deadline_s
  message_retention_duration = "${var.subscription.retention_s}s"
  retain_acked_messages      = true # what was acknowledged can be replayed by a seek

  # Without this it is deleted after 31 idle days, and what is uploaded then is lost.
  expiration_policy {
    ttl = ""
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letters.id
    max_delivery_attempts = var.subscription.max_delivery_attempts
  }

  retry_policy {
    minimum_backoff = "${var.subscription.min_backoff_s}s"
    maximum_backoff = "${var.subscription.max_backoff_s}s"
  }

  dynamic "push_config" {
    for_each = local.push ? [module.worker_push[0].uri] : []
    content {
      push_endpoint = "${push_config.value}/"
      oidc_token {
        service_account_email = google_service_account.invoker[0].email
        audience              = local.push_audience
      }
    }
  }

  # A refused push is a delivery attempt, so the grants come first.
  depends_on = [
    google_cloud_run_v2_service_iam_member.invoker,
    google_service_account_iam_member.push_tokens,
  ]
}

resource "google_pubsub_topic" "dead_letters" {
  project      = var.project_id
  name         = "${var.name}-dead-letters"
  kms_key_name = var.kms_key_id
  labels       = local.labels

  depends_on = [google_kms_crypto_key_iam_member.agents, google_project_service.default]
}

resource "google_pubsub_subscription" "dead_letters" {
  project                    = var.project_id
  name                       = "${var.name}-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.id
  labels                     = local.labels
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s" # 31 days, the longest there is

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub's own agent takes from here and publishes there. Where either grant is
# missing nothing is forwarded, and nobody is told.
resource "google_pubsub_topic_iam_member" "dead_letters_forwarded" {
  project = var.project_id
  topic   = google_pubsub_topic.dead_letters.name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${local.agents.pubsub}"
}

resource "google_pubsub_subscription_iam_member" "dead_letters_forwarded" {
  project      = var.project_id
  subscription = google_pubsub_subscription.worker.name
  role         = "roles/pubsub.subscriber"
  member       = "serviceAccount:${local.agents.pubsub}"

  # A subscription that is made anew loses its policy, while the state still shows it.
  lifecycle {
    replace_triggered_by = [google_pubsub_subscription.worker.id]
  }
}
