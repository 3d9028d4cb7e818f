output "batches" {
  description = "Where the results of batches go, where there are any."
  value       = one(google_storage_bucket.batches[*].url)
}

output "bucket" {
  description = "The bucket to copy images into. Known only when all that waits for them is there."
  value       = "gs://${var.bucket}"
  depends_on = [
    google_firestore_field.tombstones,
    google_firestore_field.unindexed,
    google_pubsub_subscription_iam_member.dead_letters_forwarded,
    google_storage_notification.images,
    module.worker_mig,
    module.worker_pool,
    module.worker_push,
  ]
}

output "build_account" {
  description = "The account that builds the image, for Cloud Build."
  value       = google_service_account.build.id
}

output "build_bucket" {
  description = "Where Cloud Build finds the source and leaves the bill of materials."
  value       = google_storage_bucket.builds.url
}

output "changes" {
  description = "What to subscribe to, to hear of changed documents, where they are told. It keeps nothing for who comes later."
  value       = one(google_pubsub_topic.changes[*].id)
}

output "console" {
  description = "Address of the console, where it is enabled."
  value       = one(google_cloud_run_v2_service.web[*].uri)
}

output "console_audience" {
  description = "What a token for the console must name, without IAP (docs/api.md)."
  value       = var.web.enabled && !var.web.iap ? local.web_audience : null
}

output "dashboard" {
  description = "The page with backlog, age, rates and instances."
  value       = "https://console.cloud.google.com/monitoring/dashboards?project=${var.project_id}"
  depends_on  = [google_monitoring_dashboard.default]
}

output "dead_letters" {
  description = "What to pull from to see the messages that nobody could deliver."
  value       = google_pubsub_subscription.dead_letters.id
}

output "documents" {
  description = "The documents, in Google's console."
  value       = "https://console.cloud.google.com/firestore/databases/${google_firestore_database.default.name}/data/panel/${var.firestore.collection}?project=${var.project_id}"
}

output "documents_url" {
  description = "The documents, as IMAGEMETA_DOCUMENTS takes them."
  value       = local.documents
}

output "image" {
  description = "The image that runs."
  value       = local.image
}

output "image_lock" {
  description = "The locked requirements that the image is built with."
  value       = var.batches.enabled ? "requirements-batches.lock" : "requirements.lock"
  depends_on  = [terraform_data.registry]
}

output "registry" {
  description = "Where images are pushed to."
  value       = local.registry
  depends_on  = [terraform_data.registry]
}

output "subscription" {
  description = "What the worker takes its messages from."
  value       = google_pubsub_subscription.worker.id
}

output "upload" {
  description = "To copy, paste and see a document appear."
  value       = "gcloud storage cp photo.jpg gs://${var.bucket}/"
  depends_on  = [google_storage_notification.images]
}
