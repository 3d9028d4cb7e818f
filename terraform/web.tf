# The API: private by default, by IAP or by invoker members; who is let in may
# do what var.web.viewers says. It reads documents, and can change nothing.

locals {
  web_settings = {
    IMAGEMETA_DOCUMENTS     = local.documents
    IMAGEMETA_SERVE_ADDRESS = ":8080"
    IMAGEMETA_VIEWERS       = var.web.viewers
    (var.web.iap ? "IMAGEMETA_IAP_AUDIENCE" : "IMAGEMETA_OIDC_AUDIENCE") = (
      var.web.iap
      ? "/projects/${local.project_number}/locations/${var.region}/services/${var.name}-web"
      : "https://${var.name}-web-${local.project_number}.${var.region}.run.app"
    )
  }
}

resource "google_service_account" "web" {
  count        = var.web.enabled ? 1 : 0
  project      = var.project_id
  account_id   = "${var.name}-web"
  display_name = "imagemeta: shows documents"

  depends_on = [google_project_service.default]
}

resource "google_cloud_run_v2_service" "web" {
  count               = var.web.enabled ? 1 : 0
  project             = var.project_id
  location            = var.region
  name                = "${var.name}-web"
  deletion_protection = var.deletion_protection
  iap_enabled         = var.web.iap
  labels              = local.labels

  template {
    encryption_key  = var.kms_key_id
    service_account = google_service_account.web[0].email

    scaling {
      max_instance_count = var.web.max_instances
    }

    containers {
      image = local.image
      args  = ["serve"]

      dynamic "env" {
        for_each = merge(local.telemetry, local.web_settings)
        content {
          name  = env.key
          value = env.value
        }
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
