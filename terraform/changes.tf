# Tells of each document that changed, for whoever subscribes (docs/export.md), and
# a table of yours in BigQuery, if you name one.

locals {
  changes = var.changes.enabled ? 1 : 0
  change_settings = var.changes.enabled ? {
    IMAGEMETA_CHANGES = "pubsub://${var.project_id}/${google_pubsub_topic.changes[0].name}"
  } : {}

  # Those who write documents: the worker, and a console that writes dead letters down.
  tellers = merge(
    { worker = google_service_account.worker.member },
    local.operates ? { web = google_service_account.web[0].member } : {},
  )
  table = var.changes.bigquery == null ? [] : split(".", var.changes.bigquery)
}

locals {
  change_alerts = { for name in google_pubsub_subscription.changes[*].name : "changes" => {
    title     = "BigQuery does not take the changes"
    severity  = "WARNING"
    filter    = format(local.queue_filter, name, "oldest_unacked_message_age")
    reducer   = "REDUCE_MAX"
    threshold = var.alerts.oldest_unacked_s
    duration  = "300s"
    runbook   = <<-EOT
      A row has waited for more than ${var.alerts.oldest_unacked_s} s for ${var.changes.bigquery}. Documents are not concerned; rows are tried again for ${floor(var.subscription.retention_s / 86400)} days, then they are lost.

      1. Is the table there, with the columns of docs/export.md? `bq show --schema ${local.table[0]}:${local.table[1]}.${local.table[2]}`. A column that became REQUIRED, or another type, refuses every row.
      2. May Pub/Sub write to it? ${local.agents.pubsub} needs `roles/bigquery.dataEditor` on the table; `terraform apply` grants it again.
      3. Which refusal? `push_request_count` of the subscription ${name}, by `response_class`; then the project's quotas of BigQuery's Storage Write API.
      4. Mended: what waits is written by itself. Rows older than that are had by an export (`imagemeta export --format parquet`), loaded beside.
    EOT
  } }
}

# Not the topic of the images: there, what is told would be news to the worker.
resource "google_pubsub_topic" "changes" {
  count        = local.changes
  project      = var.project_id
  name         = "${var.name}-changes"
  kms_key_name = var.kms_key_id
  labels       = local.labels

  depends_on = [google_kms_crypto_key_iam_member.agents, google_project_service.default]
}

resource "google_pubsub_topic_iam_member" "changes_told" {
  for_each = var.changes.enabled ? local.tellers : {}
  project  = var.project_id
  topic    = google_pubsub_topic.changes[0].name
  role     = "roles/pubsub.publisher"
  member   = each.value
}

# Pub/Sub's own agent writes the rows, and needs no more than this one table.
resource "google_bigquery_table_iam_member" "changes" {
  count      = length(local.table) > 0 ? 1 : 0
  project    = local.table[0]
  dataset_id = local.table[1]
  table_id   = local.table[2]
  role       = "roles/bigquery.dataEditor"
  member     = "serviceAccount:${local.agents.pubsub}"

  depends_on = [google_project_service.default]
}

resource "google_pubsub_subscription" "changes" {
  count                      = length(local.table) > 0 ? 1 : 0
  project                    = var.project_id
  name                       = "${var.name}-changes-to-bigquery"
  topic                      = google_pubsub_topic.changes[0].id
  labels                     = local.labels
  message_retention_duration = "${var.subscription.retention_s}s"

  bigquery_config {
    table               = var.changes.bigquery
    use_table_schema    = true
    drop_unknown_fields = true # a field that a later version tells is no reason to lose the rest
  }

  expiration_policy {
    ttl = ""
  }

  # A row that the table does not take is tried again for as long as it is kept.
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # It is refused where its agent may not write.
  depends_on = [google_bigquery_table_iam_member.changes]
}
