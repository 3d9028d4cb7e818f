# A group of spot machines that is ready for Monday morning, works on two
# buckets, one of which was there before, and wakes somebody up.

module "imagemeta" {
  source = "../.."

  project_id = "acme-photos"
  bucket     = "acme-pictures"
  region     = "europe-west1"
  labels     = { team = "archive" }

  buckets = {
    acme-scans = { create = false, prefix = "incoming/" }
  }

  worker = {
    runtime       = "mig"
    spot          = true
    machine_type  = "n2-standard-4"
    max_instances = 50
    schedules = {
      monday = { cron = "30 7 * * MON", duration_s = 7200, min_instances = 10, time_zone = "Europe/Paris" }
    }
  }

  alerts = {
    channels = { email = { email_address = "ops@example.org" } }
  }
}

output "upload" {
  value = module.imagemeta.upload
}
