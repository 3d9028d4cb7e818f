# Where the image is kept, and who builds it. All of this comes with
# -target=terraform_data.registry, before there is an image (deploy/image.sh).

locals {
  registry = "${var.region}-docker.pkg.dev/${var.project_id}/${var.name}"
  image    = coalesce(var.image, "${local.registry}/imagemeta:latest")
}

resource "google_artifact_registry_repository" "default" {
  project       = var.project_id
  location      = var.region
  repository_id = var.name
  format        = "DOCKER"
  kms_key_name  = var.kms_key_id
  labels        = local.labels

  cleanup_policies {
    id     = "keep-ten"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
  cleanup_policies {
    id     = "drop-the-rest-after-30-days"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "2592000s"
    }
  }

  depends_on = [google_kms_crypto_key_iam_member.agents, google_project_service.default]
}

# Sources on their way to Cloud Build, and the bill of materials of each image.
resource "google_storage_bucket" "builds" {
  project                     = var.project_id
  name                        = "${var.bucket}-builds"
  location                    = upper(var.region)
  force_destroy               = true # nothing here that cannot be made again
  labels                      = local.labels
  public_access_prevention    = "enforced"
  uniform_bucket_level_access = true

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 7
      matches_prefix = ["source/"]
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

resource "google_service_account" "build" {
  project      = var.project_id
  account_id   = "${var.name}-build"
  display_name = "imagemeta: builds the image"

  depends_on = [google_project_service.default]
}

resource "google_storage_bucket_iam_member" "build_sources" {
  bucket = google_storage_bucket.builds.name
  role   = "roles/storage.objectUser"
  member = google_service_account.build.member
}

resource "google_artifact_registry_repository_iam_member" "build_pushes" {
  project    = var.project_id
  location   = google_artifact_registry_repository.default.location
  repository = google_artifact_registry_repository.default.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

resource "google_project_iam_member" "build_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

resource "terraform_data" "registry" {
  depends_on = [
    google_artifact_registry_repository_iam_member.build_pushes,
    google_project_iam_member.build_logs,
    google_storage_bucket_iam_member.build_sources,
  ]
}
