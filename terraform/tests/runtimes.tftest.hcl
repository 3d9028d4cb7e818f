mock_provider "google" {}

variables {
  project_id = "acme-photos"
  bucket     = "acme-pictures"
}

run "a_group_is_the_default" {
  command = plan

  assert {
    condition     = length(module.worker_mig) == 1 && length(module.worker_pool) == 0 && length(module.worker_push) == 0
    error_message = "One runtime at a time, and the group unless somebody asks."
  }
  assert {
    condition     = length(google_pubsub_subscription.worker.push_config) == 0
    error_message = "A group pulls."
  }
  assert {
    condition     = google_compute_subnetwork.default[0].private_ip_google_access
    error_message = "Machines without an address need Private Google Access."
  }
  assert {
    condition     = length(google_cloud_run_v2_service.web) == 0 && toset(keys(google_cloud_run_v2_job.default)) == toset(["backfill", "reconcile"])
    error_message = "The console waits to be asked for; the nightly reconcile does not."
  }
}

run "a_pool_pulls_as_the_worker" {
  command = plan

  variables {
    worker = { runtime = "worker-pool", cpu = 2 }
  }
  assert {
    condition     = length(google_service_account.invoker) == 0 && length(google_pubsub_subscription_iam_member.worker_pulls) == 1
    error_message = "A pool pulls with its own identity."
  }
  assert {
    condition     = local.settings.IMAGEMETA_SHARDS == "2" && local.settings.IMAGEMETA_GRACE_SECONDS == "6"
    error_message = "As many processes as there are cores, and an end within Cloud Run's ten seconds."
  }
  assert {
    condition     = length(google_compute_network.default) == 0
    error_message = "Cloud Run needs no network."
  }
}

run "a_push_carries_the_invokers_token" {
  variables {
    worker = { runtime = "push" }
  }
  assert {
    condition     = google_pubsub_subscription.worker.push_config[0].push_endpoint == "${module.worker_push[0].uri}/"
    error_message = "Pushes go to the worker."
  }
  assert {
    condition     = google_pubsub_subscription.worker.push_config[0].oidc_token[0].audience == local.settings.IMAGEMETA_PUSH_AUDIENCE
    error_message = "Subscription and worker must agree on the audience."
  }
  assert {
    condition     = length(google_pubsub_subscription_iam_member.worker_pulls) == 0
    error_message = "Who is pushed to need not pull."
  }
}

run "settings_of_yours_win" {
  command = plan

  variables {
    settings = { IMAGEMETA_THREADS = "16", IMAGEMETA_MAKERNOTES = "always" }
  }
  assert {
    condition     = local.settings.IMAGEMETA_THREADS == "16" && local.settings.IMAGEMETA_MAKERNOTES == "always"
    error_message = "settings come last."
  }
}
