# A regional group of machines that pull. Template, group and health check;
# autoscaler.tf has its size.

resource "google_compute_region_instance_template" "default" {
  project      = var.project_id
  region       = var.region
  name_prefix  = "${var.name}-"
  machine_type = var.worker.machine_type
  labels       = var.labels
  tags         = [var.name]

  disk {
    boot         = true
    auto_delete  = true
    source_image = "projects/cos-cloud/global/images/family/cos-stable"
    disk_size_gb = 20
    disk_type    = "pd-balanced"
    labels       = var.labels

    dynamic "disk_encryption_key" {
      for_each = var.kms_key_id[*]
      content {
        kms_key_self_link = disk_encryption_key.value
      }
    }
  }

  metadata = {
    block-project-ssh-keys    = "true"
    enable-oslogin            = "TRUE"
    google-logging-enabled    = "true"
    google-monitoring-enabled = "true"
    user-data = templatefile("${path.module}/cloud-config.yaml.tftpl", {
      grace_s  = var.worker.grace_s
      image    = var.image
      registry = split("/", var.image)[0]
      settings = var.settings
    })
  }

  # No access_config: the machines have no address outside.
  network_interface {
    subnetwork = var.subnetwork
  }

  scheduling {
    automatic_restart           = !var.worker.spot
    instance_termination_action = var.worker.spot ? "STOP" : null
    on_host_maintenance         = var.worker.spot ? "TERMINATE" : "MIGRATE"
    preemptible                 = var.worker.spot
    provisioning_model          = var.worker.spot ? "SPOT" : "STANDARD"
  }

  # What the account may do is said by its roles, not by scopes.
  service_account {
    email  = var.service_account
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_integrity_monitoring = true
    enable_secure_boot          = true
    enable_vtpm                 = true
  }

  lifecycle {
    create_before_destroy = true
  }
}

# Healthy means that the processes live, never that the cloud answers: an outage
# must not make the group replace its machines.
resource "google_compute_region_health_check" "default" {
  project             = var.project_id
  region              = var.region
  name                = var.name
  check_interval_sec  = 15
  healthy_threshold   = 1
  timeout_sec         = 5
  unhealthy_threshold = 4

  http_health_check {
    port         = 8081
    request_path = "/healthz"
  }
}

resource "google_compute_region_instance_group_manager" "default" {
  project            = var.project_id
  region             = var.region
  name               = var.name
  base_instance_name = var.name

  # No target_size: the autoscaler owns it.
  version {
    instance_template = google_compute_region_instance_template.default.self_link
  }

  auto_healing_policies {
    health_check      = google_compute_region_health_check.default.id
    initial_delay_sec = 180
  }

  update_policy {
    type                         = "PROACTIVE"
    minimal_action               = "REPLACE"
    instance_redistribution_type = "PROACTIVE"
    max_surge_fixed              = 3 # at least one per zone, or 0
    max_unavailable_fixed        = 0
  }
}
