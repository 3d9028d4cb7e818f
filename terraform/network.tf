# Only machines need a network: no address from outside, Google's APIs by
# Private Google Access, and nobody may call in but the health checks. Batches
# fetch from the internet: for them alone there is a way out, and only out. A
# subnetwork of yours needs one, too; Cloud Run has its own.

locals {
  own_network = local.mig && var.subnetwork == null ? 1 : 0
  subnetwork  = local.own_network == 1 ? one(google_compute_subnetwork.default[*].self_link) : var.subnetwork
}

resource "google_compute_network" "default" {
  count                   = local.own_network
  project                 = var.project_id
  name                    = var.name
  auto_create_subnetworks = false

  depends_on = [google_project_service.default]
}

resource "google_compute_subnetwork" "default" {
  count                    = local.own_network
  project                  = var.project_id
  name                     = var.name
  region                   = var.region
  network                  = google_compute_network.default[0].id
  ip_cidr_range            = "10.60.0.0/22"
  private_ip_google_access = true
}

resource "google_compute_firewall" "health_checks" {
  count         = local.own_network
  project       = var.project_id
  name          = "${var.name}-health-checks"
  network       = google_compute_network.default[0].id
  direction     = "INGRESS"
  source_ranges = ["130.211.0.0/22", "35.191.0.0/16"] # Google's probers
  target_tags   = ["${var.name}-worker"]

  allow {
    protocol = "tcp"
    ports    = ["8081"]
  }
}

resource "google_compute_router" "default" {
  count   = local.own_network * local.batches
  project = var.project_id
  name    = var.name
  region  = var.region
  network = google_compute_network.default[0].id
}

resource "google_compute_router_nat" "default" {
  count                              = local.own_network * local.batches
  project                            = var.project_id
  name                               = var.name
  region                             = var.region
  router                             = google_compute_router.default[0].name
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  # A machine has as many connections as threads; each place of the web is a few.
  enable_dynamic_port_allocation = true
  max_ports_per_vm               = 4096
  min_ports_per_vm               = 256

  subnetwork {
    name                    = google_compute_subnetwork.default[0].id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
