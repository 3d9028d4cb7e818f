mock_provider "google" {}

variables {
  image           = "us-central1-docker.pkg.dev/acme-photos/imagemeta/imagemeta@sha256:0123"
  kms_key_id      = null
  labels          = { app = "imagemeta" }
  name            = "imagemeta-worker"
  project_id      = "acme-photos"
  queue           = { subscription = "imagemeta-worker", per_instance = 72000 }
  region          = "us-central1"
  service_account = "imagemeta-worker@acme-photos.iam.gserviceaccount.com"
  settings        = { IMAGEMETA_HEALTH = ":8081" }
  subnetwork      = "projects/acme-photos/regions/us-central1/subnetworks/imagemeta"
  worker = {
    grace_s   = 20, machine_type = "e2-standard-2", max_instances = 20, min_instances = 0, spot = true, stabilization_s = 300,
    schedules = { monday = { cron = "30 7 * * MON", duration_s = 7200, min_instances = 5, time_zone = "Etc/UTC" } }
  }
}

run "the_queue_sizes_the_group" {
  command = plan

  assert {
    condition     = google_compute_region_autoscaler.default.autoscaling_policy[0].metric[0].single_instance_assignment == 72000
    error_message = "One machine is given its share of the backlog."
  }
  assert {
    condition     = length(google_compute_region_autoscaler.default.autoscaling_policy[0].cpu_utilization) == 0
    error_message = "A group of none has no CPU to measure."
  }
  assert {
    condition     = one(google_compute_region_autoscaler.default.autoscaling_policy[0].scaling_schedules).min_required_replicas == 5
    error_message = "Mondays begin with five."
  }
}

run "one_machine_gives_a_second_signal" {
  command = plan

  variables {
    worker = { grace_s = 20, machine_type = "e2-standard-2", max_instances = 20, min_instances = 1, spot = false, stabilization_s = 300, schedules = {} }
  }
  assert {
    condition     = length(google_compute_region_autoscaler.default.autoscaling_policy[0].cpu_utilization) == 1
    error_message = "CPU is two minutes faster than the queue's figure."
  }
  assert {
    condition     = google_compute_region_instance_template.default.scheduling[0].provisioning_model == "STANDARD"
    error_message = "Spot only where it is asked for."
  }
}
