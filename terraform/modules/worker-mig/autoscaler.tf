# The group follows the queue: as many machines as it takes to clear the backlog
# within the drain target. No scale-in control: a stop loses nothing, as what is
# in hand is finished or given back. docs/scaling.md says why these figures.

resource "google_compute_region_autoscaler" "default" {
  project = var.project_id
  region  = var.region
  name    = var.name
  target  = google_compute_region_instance_group_manager.default.id

  autoscaling_policy {
    cooldown_period      = 90 # from creation to first work: boot and image
    max_replicas         = var.worker.max_instances
    min_replicas         = var.worker.min_instances
    stabilization_period = var.worker.stabilization_s

    # Only AND and = are allowed here. A resource other than a machine makes it a
    # figure of the whole group, of which each machine is assigned a share.
    metric {
      name                       = "pubsub.googleapis.com/subscription/num_undelivered_messages"
      filter                     = "resource.type = pubsub_subscription AND resource.label.subscription_id = \"${var.queue.subscription}\""
      single_instance_assignment = var.queue.per_instance
    }

    # A second signal, two minutes faster than the queue's. It measures machines,
    # so there must be one.
    dynamic "cpu_utilization" {
      for_each = var.worker.min_instances > 0 ? [0.6] : []
      content {
        target = cpu_utilization.value
      }
    }

    dynamic "scaling_schedules" {
      for_each = var.worker.schedules
      content {
        name                  = scaling_schedules.key
        schedule              = scaling_schedules.value.cron
        duration_sec          = scaling_schedules.value.duration_s
        min_required_replicas = scaling_schedules.value.min_instances
        time_zone             = scaling_schedules.value.time_zone
      }
    }
  }
}
