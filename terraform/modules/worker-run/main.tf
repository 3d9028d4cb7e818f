# The worker on Cloud Run: a service that is pushed to, or a pool that pulls.

resource "google_cloud_run_v2_service" "default" {
  count               = var.push == null ? 0 : 1
  project             = var.project_id
  location            = var.region
  name                = var.name
  custom_audiences    = [var.push.audience]
  deletion_protection = var.deletion_protection
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY" # Pub/Sub of this project counts as internal
  labels              = var.labels

  template {
    encryption_key                   = var.kms_key_id
    max_instance_request_concurrency = var.worker.threads
    service_account                  = var.service_account
    timeout                          = "${var.push.timeout_s}s"

    scaling {
      max_instance_count = var.worker.max_instances
      min_instance_count = var.worker.min_instances
    }

    containers {
      image = var.image
      args  = [var.command]

      dynamic "env" {
        for_each = var.settings
        content {
          name  = env.key
          value = env.value
        }
      }

      ports {
        container_port = 8080
      }

      resources {
        cpu_idle          = true
        limits            = local.limits
        startup_cpu_boost = true
      }

      startup_probe {
        http_get {
          path = "/healthz"
          port = 8080
        }
      }

      liveness_probe {
        http_get {
          path = "/healthz"
          port = 8080
        }
      }
    }
  }
}

resource "google_cloud_run_v2_worker_pool" "default" {
  count               = var.push == null ? 1 : 0
  project             = var.project_id
  location            = var.region
  name                = var.name
  deletion_protection = var.deletion_protection
  labels              = var.labels

  # By CPU: a pool knows no queue, and does not go to zero.
  scaling {
    scaling_mode       = "AUTOMATIC"
    max_instance_count = var.worker.max_instances
    min_instance_count = max(1, var.worker.min_instances)
  }

  template {
    encryption_key  = var.kms_key_id
    service_account = var.service_account

    containers {
      image = var.image
      args  = [var.command]

      dynamic "env" {
        for_each = var.settings
        content {
          name  = env.key
          value = env.value
        }
      }

      resources {
        limits = local.limits
      }

      startup_probe {
        http_get {
          path = "/healthz"
          port = 8081
        }
      }

      liveness_probe {
        http_get {
          path = "/healthz"
          port = 8081
        }
      }
    }
  }
}

locals {
  limits = { cpu = tostring(var.worker.cpu), memory = var.worker.memory }
}
