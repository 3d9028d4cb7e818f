# Who works, and with which settings: one image and one map of settings for
# every runtime. docs/settings.md has all settings.

locals {
  # The push endpoint's own address is known only after it is made, and its
  # settings name the audience: so the audience is a name of ours.
  push_audience = "https://${var.name}-worker.${var.project_id}.internal"

  dead_letters = "pubsub://${var.project_id}/${google_pubsub_subscription.dead_letters.name}"
  documents    = "firestore://${var.project_id}/${var.firestore.database}/${var.firestore.collection}"
  queue        = "pubsub://${var.project_id}/${local.subscription_name}"
  topic        = "pubsub://${var.project_id}/${google_pubsub_topic.images.name}"

  # Cloud Run kills 10 s after SIGTERM, and the worker may take 2 s more than its grace.
  grace_s = local.mig ? var.worker.grace_s : 6

  # Console and jobs: Cloud Run measures them, and they may send nothing.
  untraced = { GOOGLE_CLOUD_PROJECT = var.project_id }
  telemetry = merge(local.untraced, {
    OTEL_EXPORTER_OTLP_ENDPOINT = "https://telemetry.googleapis.com"
    # Sends the account's own token along.
    OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER = "gcp_http_credentials"
    OTEL_RESOURCE_ATTRIBUTES                           = "gcp.project_id=${var.project_id},service.namespace=${var.name}"
    OTEL_TRACES_SAMPLER                                = "parentbased_traceidratio"
    OTEL_TRACES_SAMPLER_ARG                            = tostring(var.trace_ratio)
  })
  runtime = {
    mig = {
      IMAGEMETA_QUEUE = local.queue
    }
    worker-pool = {
      IMAGEMETA_QUEUE  = local.queue
      IMAGEMETA_SHARDS = tostring(var.worker.cpu) # the machine below may have more cores than are ours
    }
    push = {
      IMAGEMETA_PUSH_ACCOUNT  = one(google_service_account.invoker[*].email)
      IMAGEMETA_PUSH_ADDRESS  = ":8080"
      IMAGEMETA_PUSH_AUDIENCE = local.push_audience
      IMAGEMETA_PUSH_CHECKED  = "true" # nobody but the invoker gets through
    }
  }[var.worker.runtime]
  settings = merge(local.telemetry, local.runtime, local.batch_settings, local.change_settings, {
    IMAGEMETA_DEAD_LETTERS  = local.dead_letters
    IMAGEMETA_DOCUMENTS     = local.documents
    IMAGEMETA_GRACE_SECONDS = tostring(local.grace_s)
    IMAGEMETA_HEALTH        = ":8081"
    IMAGEMETA_LEASE_SECONDS = tostring(var.subscription.ack_deadline_s)
    IMAGEMETA_THREADS       = tostring(var.worker.threads)
  }, var.settings)
}

# What has to be there before any worker starts.
resource "terraform_data" "worker_may" {
  depends_on = [
    google_artifact_registry_repository.default,
    google_artifact_registry_repository_iam_member.worker_pulls_image,
    google_project_iam_member.database,
    google_project_iam_member.worker_telemetry,
    google_pubsub_topic_iam_member.changes_told,
    google_storage_bucket_iam_member.worker_puts_results,
    google_storage_bucket_iam_member.worker_reads,
  ]
}

module "worker_mig" {
  source = "./modules/worker-mig"
  count  = local.mig ? 1 : 0

  image           = local.image
  kms_key_id      = var.kms_key_id
  labels          = local.labels
  name            = "${var.name}-worker"
  project_id      = var.project_id
  region          = var.region
  service_account = google_service_account.worker.email
  settings        = local.settings
  subnetwork      = local.subnetwork
  worker          = merge(var.worker, { min_instances = coalesce(var.worker.min_instances, 1) })

  queue = {
    subscription = google_pubsub_subscription.worker.name
    # One machine is given what it clears within the drain target.
    per_instance = var.worker.images_per_s * var.worker.drain_target_s
  }

  depends_on = [google_pubsub_subscription_iam_member.worker_pulls, terraform_data.worker_may]
}

module "worker_pool" {
  source = "./modules/worker-run"
  count  = var.worker.runtime == "worker-pool" ? 1 : 0

  command             = "work"
  deletion_protection = var.deletion_protection
  image               = local.image
  kms_key_id          = var.kms_key_id
  labels              = local.labels
  name                = "${var.name}-worker"
  project_id          = var.project_id
  region              = var.region
  service_account     = google_service_account.worker.email
  settings            = local.settings
  worker              = merge(var.worker, { min_instances = coalesce(var.worker.min_instances, 1) })

  depends_on = [google_pubsub_subscription_iam_member.worker_pulls, terraform_data.worker_may]
}

# Before the subscription that calls it, and so without a word of it.
module "worker_push" {
  source = "./modules/worker-run"
  count  = local.push ? 1 : 0

  command             = "push"
  deletion_protection = var.deletion_protection
  image               = local.image
  kms_key_id          = var.kms_key_id
  labels              = local.labels
  name                = "${var.name}-worker"
  project_id          = var.project_id
  region              = var.region
  service_account     = google_service_account.worker.email
  settings            = local.settings
  worker              = merge(var.worker, { min_instances = coalesce(var.worker.min_instances, 0) })

  push = {
    audience  = local.push_audience
    timeout_s = var.subscription.ack_deadline_s
  }

  depends_on = [terraform_data.worker_may]
}
