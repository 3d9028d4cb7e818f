# Alerts, each with what to do; a dashboard; what log lines count as.
# Log lines and their fields: docs/operations.md.

locals {
  channels = [for channel in google_monitoring_notification_channel.default : channel.id]

  # Where a line was written decides under which resource it is counted.
  log_resource = { mig = "gce_instance", worker-pool = "cloud_run_worker_pool", push = "cloud_run_revision" }[var.worker.runtime]

  queue_filter = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"%s\" AND metric.type = \"pubsub.googleapis.com/subscription/%s\""
  size_filter = {
    mig         = "resource.type = \"instance_group\" AND resource.labels.instance_group_name = \"${var.name}-worker\" AND metric.type = \"compute.googleapis.com/instance_group/size\""
    worker-pool = "resource.type = \"cloud_run_worker_pool\" AND resource.labels.worker_pool_name = \"${var.name}-worker\" AND metric.type = \"run.googleapis.com/container/instance_count\""
    push        = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${var.name}-worker\" AND metric.type = \"run.googleapis.com/container/instance_count\""
  }[var.worker.runtime]

  alerts = merge(local.worker_alerts, local.change_alerts)
  worker_alerts = {
    oldest_unacked = {
      title     = "images wait too long"
      severity  = "ERROR"
      filter    = format(local.queue_filter, local.subscription_name, "oldest_unacked_message_age")
      reducer   = "REDUCE_MAX"
      threshold = var.alerts.oldest_unacked_s
      duration  = "300s"
      runbook   = <<-EOT
        The oldest image has waited for more than ${var.alerts.oldest_unacked_s} s.

        1. Do workers run? None: look for `misconfigured` in their log lines.
        2. Do they pull? `breaker_opened` says what fails; they go on by themselves when it does not.
        3. Are they at `worker.max_instances`? Then raise it.
        4. Do a few messages come again and again? `nacked` names the object and the code.
      EOT
    }
    dead_letters = {
      title     = "messages became dead letters"
      severity  = "WARNING"
      filter    = format(local.queue_filter, google_pubsub_subscription.dead_letters.name, "num_undelivered_messages")
      reducer   = "REDUCE_MAX"
      threshold = 0
      duration  = "0s"
      runbook   = <<-EOT
        ${var.subscription.max_delivery_attempts} attempts at a message failed before the worker could write down why. They stay 31 days.

        1. Look: `gcloud pubsub subscriptions pull ${google_pubsub_subscription.dead_letters.name} --project=${var.project_id} --limit=10`
        2. Mend the cause: `shard_died` and `shard_hung` in the log lines name the object, `breaker_opened` an outage.
        3. Send them again by touching each object: `gcloud storage objects update gs://BUCKET/OBJECT --custom-metadata=again=1`.
      EOT
    }
    group_full = {
      title     = "the workers are at their maximum"
      severity  = "WARNING"
      filter    = local.size_filter
      reducer   = "REDUCE_SUM"
      threshold = var.worker.max_instances - 0.5
      duration  = "600s"
      runbook   = <<-EOT
        All ${var.worker.max_instances} instances run since ten minutes, so the backlog no longer decides how many.

        1. Does the backlog shrink? Then wait.
        2. Does the store throttle (`imagemeta.nacks` with code `throttled`)? Then more workers would not help: it grows by half every five minutes.
        3. Else raise `worker.max_instances`; see that the project's quota of CPUs allows it.
      EOT
    }
  }
}

resource "google_monitoring_notification_channel" "default" {
  for_each     = var.alerts.channels
  project      = var.project_id
  type         = each.key
  display_name = "${var.name} ${each.key}"
  labels       = each.value
  user_labels  = local.labels

  depends_on = [google_project_service.default]
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each              = local.alerts
  project               = var.project_id
  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  notification_channels = local.channels
  severity              = each.value.severity
  user_labels           = local.labels

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      duration        = each.value.duration
      threshold_value = each.value.threshold

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_MAX"
        cross_series_reducer = each.value.reducer
      }
    }
  }

  documentation {
    content   = each.value.runbook
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.default, google_pubsub_subscription.worker]
}

# Pub/Sub reports the backlog of every subscription, an empty one's as well.
resource "google_monitoring_alert_policy" "no_data" {
  project               = var.project_id
  display_name          = "${var.name}: nobody knows the backlog"
  combiner              = "OR"
  notification_channels = local.channels
  severity              = "ERROR"
  user_labels           = local.labels

  conditions {
    display_name = "no figure for half an hour"
    condition_absent {
      filter   = format(local.queue_filter, local.subscription_name, "num_undelivered_messages")
      duration = "1800s"

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    content   = <<-EOT
      The backlog of ${local.subscription_name} is not reported: the group stays as large as it is, and the other alerts are blind.

      1. Is the subscription there? `gcloud pubsub subscriptions describe ${local.subscription_name} --project=${var.project_id}`. If not: `terraform apply`, then redo what was uploaded meanwhile.
      2. It is there: Cloud Monitoring or Pub/Sub has an outage, see https://status.cloud.google.com. The workers go on by themselves.
    EOT
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.default, google_pubsub_subscription.worker]
}

# Each delivery is one line, so lines can be counted. Where the logging agent did
# not read the line as JSON, it is text in "message".
resource "google_logging_metric" "deliveries" {
  for_each    = { acked = "jsonPayload.message=\"acked\" OR jsonPayload.message:\"\\\"message\\\":\\\"acked\\\"\"", failed = "jsonPayload.outcome=\"failed\" OR jsonPayload.message:\"\\\"outcome\\\":\\\"failed\\\"\"" }
  project     = var.project_id
  name        = "${var.name}/${each.key}"
  description = "Deliveries that were ${each.key}, from the worker's log lines."
  filter      = "resource.type=\"${local.log_resource}\" AND (${each.value})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.default]
}

locals {
  counted = "logging_googleapis_com:user_${replace(var.name, "-", "_")}_%s{monitored_resource=\"${local.log_resource}\"}"
}

resource "google_monitoring_alert_policy" "failure_ratio" {
  project               = var.project_id
  display_name          = "${var.name}: too many images fail"
  combiner              = "OR"
  notification_channels = local.channels
  severity              = "WARNING"
  user_labels           = local.labels

  conditions {
    display_name = "failed / acknowledged, ten minutes"
    condition_prometheus_query_language {
      query                     = "sum(rate(${format(local.counted, "failed")}[10m])) / sum(rate(${format(local.counted, "acked")}[10m])) > ${var.alerts.failure_ratio}"
      duration                  = "300s"
      evaluation_interval       = "60s"
      disable_metric_validation = true # the first image makes the metric
    }
  }

  documentation {
    content   = <<-EOT
      More than ${var.alerts.failure_ratio * 100} % of the images of the last ten minutes have a document with `status: failed`.

      1. Which code? Log lines with `outcome: failed`, or documents with `status == failed` and their `errors`; docs/operations.md explains each.
      2. `unsupported_format`, `corrupt_image`: somebody uploads what is no image. Nothing is broken.
      3. `internal`, `poison`: a bug, or a file that provokes one. Keep the file, report it.
      4. `source_unavailable`, `store_unavailable`: ten attempts each; see the alert on waiting images.
    EOT
    mime_type = "text/markdown"
  }

  depends_on = [google_logging_metric.deliveries]
}

resource "google_monitoring_alert_policy" "stopped" {
  project               = var.project_id
  display_name          = "${var.name}: the worker needs a person"
  combiner              = "OR"
  notification_channels = local.channels
  severity              = "ERROR"
  user_labels           = local.labels

  alert_strategy {
    auto_close = "3600s"
    notification_rate_limit {
      period = "3600s"
    }
  }

  conditions {
    display_name = "misconfigured, or everything fails"
    condition_matched_log {
      filter = "resource.type=\"${local.log_resource}\" AND (jsonPayload.message=(\"misconfigured\" OR \"breaker_opened\") OR jsonPayload.message:(\"\\\"message\\\":\\\"misconfigured\\\"\" OR \"\\\"message\\\":\\\"breaker_opened\\\"\"))"
    }
  }

  documentation {
    content   = <<-EOT
      The line says what is wrong.

      1. `misconfigured`: a subscription, a database, a permission or a setting is missing. `terraform plan` shows what somebody changed.
      2. `breaker_opened`: everything fails. In an outage do nothing; else mend what `error` names. The worker probes by itself and goes on.
    EOT
    mime_type = "text/markdown"
  }

  depends_on = [google_project_service.default]
}

resource "google_monitoring_dashboard" "default" {
  project = var.project_id
  dashboard_json = jsonencode({
    displayName  = "${var.name}: from upload to document"
    mosaicLayout = { columns = 12, tiles = local.tiles }
  })

  depends_on = [google_project_service.default]
}

locals {
  charts = [
    { title = "Waiting, messages", filter = format(local.queue_filter, local.subscription_name, "num_undelivered_messages"), aligner = "ALIGN_MEAN", reducer = "REDUCE_SUM" },
    { title = "Oldest waits, s", filter = format(local.queue_filter, local.subscription_name, "oldest_unacked_message_age"), aligner = "ALIGN_MAX", reducer = "REDUCE_MAX" },
    { title = "Acknowledged, 1/s", filter = format(local.queue_filter, local.subscription_name, "ack_message_count"), aligner = "ALIGN_RATE", reducer = "REDUCE_SUM" },
    { title = "Instances", filter = local.size_filter, aligner = "ALIGN_MAX", reducer = "REDUCE_SUM" },
    { title = "Failed, 1/s", filter = "resource.type = \"${local.log_resource}\" AND metric.type = \"logging.googleapis.com/user/${var.name}/failed\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM" },
    { title = "Dead letters", filter = format(local.queue_filter, "${var.name}-dead-letters", "num_undelivered_messages"), aligner = "ALIGN_MAX", reducer = "REDUCE_SUM" },
  ]
  tiles = [
    for i, chart in local.charts : {
      xPos   = i % 2 * 6
      yPos   = floor(i / 2) * 4
      width  = 6
      height = 4
      widget = {
        title = chart.title
        xyChart = {
          dataSets = [{
            plotType = "LINE"
            timeSeriesQuery = {
              timeSeriesFilter = {
                filter = chart.filter
                aggregation = {
                  alignmentPeriod    = "60s"
                  perSeriesAligner   = chart.aligner
                  crossSeriesReducer = chart.reducer
                }
              }
            }
          }]
        }
      }
    }
  ]
}
