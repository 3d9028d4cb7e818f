mock_provider "google" {}

variables {
  project_id = "acme-photos"
  bucket     = "acme-pictures"
}

run "several_buckets_share_one_queue" {
  command = plan

  variables {
    buckets = {
      acme-scans    = { create = false, prefix = "incoming/" }
      acme-pictures = { location = "EU" }
    }
  }
  assert {
    condition     = toset(keys(google_storage_notification.images)) == toset(["acme-pictures", "acme-scans"])
    error_message = "Each bucket tells of its objects."
  }
  assert {
    condition     = keys(google_storage_bucket.images) == ["acme-pictures"] && google_storage_bucket.images["acme-pictures"].location == "EU"
    error_message = "A bucket that exists is not made, and wishes for the first one are heard."
  }
  assert {
    condition     = google_storage_notification.images["acme-scans"].object_name_prefix == "incoming/"
    error_message = "A prefix narrows what is told."
  }
  assert {
    condition     = length(google_storage_bucket_iam_member.worker_reads) == 2
    error_message = "The worker reads every bucket, and no other."
  }
}

run "nothing_expires" {
  command = plan

  assert {
    condition     = google_pubsub_subscription.worker.expiration_policy[0].ttl == "" && google_pubsub_subscription.dead_letters.expiration_policy[0].ttl == ""
    error_message = "A subscription that expires loses what comes then."
  }
  assert {
    condition     = google_pubsub_subscription.worker.dead_letter_policy[0].max_delivery_attempts >= 20
    error_message = "The worker's own limit comes first."
  }
}
