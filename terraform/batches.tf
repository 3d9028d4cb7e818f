# What batches take besides (docs/batches.md): a bucket for the results, no index
# that nobody asks, and, for machines, a way to the internet (network.tf).

locals {
  batches = var.batches.enabled ? 1 : 0
  batch_settings = merge(
    var.batches.enabled ? {
      IMAGEMETA_BATCH_DAYS   = tostring(var.batches.keep_days)
      IMAGEMETA_BATCH_OUTPUT = "gs://${var.bucket}-batches"
    } : {},
    var.batches.enabled && var.batches.url != null ? { IMAGEMETA_BATCH_URL = var.batches.url } : {},
  )
}

# A bucket of its own: in one of images, each result would be news to the worker.
resource "google_storage_bucket" "batches" {
  count                       = local.batches
  project                     = var.project_id
  name                        = "${var.bucket}-batches"
  location                    = upper(var.region)
  labels                      = local.labels
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = var.batches.keep_days
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key_id[*]
    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_kms_crypto_key_iam_member.agents]
}

# It puts results there, and neither reads nor replaces what there is.
resource "google_storage_bucket_iam_member" "worker_puts_results" {
  count  = local.batches
  bucket = google_storage_bucket.batches[0].name
  role   = "roles/storage.objectCreator"
  member = google_service_account.worker.member
}

resource "google_storage_bucket_iam_member" "results_are_read" {
  for_each = var.batches.enabled ? toset(var.batches.readers) : []
  bucket   = google_storage_bucket.batches[0].name
  role     = "roles/storage.objectViewer"
  member   = each.value
}

# Items are counted by two fields. Nothing else of them is asked for, and rows and
# times only grow: "*" is every field that does not say otherwise.
resource "google_firestore_field" "items_counted" {
  for_each   = var.batches.enabled ? toset(["bucket", "status"]) : []
  project    = var.project_id
  database   = google_firestore_database.default.name
  collection = "${var.firestore.collection}_items"
  field      = each.value

  index_config {
    indexes {
      order = "ASCENDING"
    }
  }
}

resource "google_firestore_field" "items_unindexed" {
  count      = local.batches
  project    = var.project_id
  database   = google_firestore_database.default.name
  collection = "${var.firestore.collection}_items"
  field      = "*"

  index_config {}

  depends_on = [google_firestore_field.items_counted] # so that there is no time in which none is counted
}

# Each item says when its batch is over; the batch itself is dropped by the next one.
resource "google_firestore_field" "items_expire" {
  count      = local.batches
  project    = var.project_id
  database   = google_firestore_database.default.name
  collection = "${var.firestore.collection}_items"
  field      = "expires_at"

  index_config {}
  ttl_config {}
}
