# What several files share: names, labels, the APIs, Google's own service agents.

locals {
  labels         = merge({ app = var.name }, var.labels)
  project_number = data.google_project.default.number

  mig  = var.worker.runtime == "mig"
  pull = var.worker.runtime != "push"
  push = var.worker.runtime == "push"

  # Service agents act for a Google service inside this project.
  agents = {
    artifactregistry = "service-${local.project_number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
    compute          = "service-${local.project_number}@compute-system.iam.gserviceaccount.com"
    firestore        = "service-${local.project_number}@gcp-sa-firestore.iam.gserviceaccount.com"
    iap              = "service-${local.project_number}@gcp-sa-iap.iam.gserviceaccount.com"
    pubsub           = "service-${local.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    run              = "service-${local.project_number}@serverless-robot-prod.iam.gserviceaccount.com"
  }

  apis = concat(
    [
      "artifactregistry.googleapis.com",
      "cloudbuild.googleapis.com",
      "cloudtrace.googleapis.com",
      "firestore.googleapis.com",
      "iam.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "pubsub.googleapis.com",
      "storage.googleapis.com",
      "telemetry.googleapis.com",
    ],
    local.mig ? ["compute.googleapis.com"] : [],
    local.cloud_run ? ["run.googleapis.com"] : [],
    var.web.enabled && var.web.iap ? ["iap.googleapis.com"] : [],
    length(local.schedules) > 0 ? ["cloudscheduler.googleapis.com"] : [],
  )
  cloud_run = !local.mig || var.web.enabled || length(local.jobs) > 0
}

data "google_project" "default" {
  project_id = var.project_id
}

resource "google_project_service" "default" {
  for_each           = toset(local.apis)
  project            = var.project_id
  service            = each.value
  disable_on_destroy = false
}
