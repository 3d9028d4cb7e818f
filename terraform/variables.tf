variable "alerts" {
  description = "When to raise an alarm, and whom to tell: channels is a map from a channel's type to its labels, such as { email = { email_address = \"ops@example.org\" } }."
  type = object({
    channels         = optional(map(map(string)), {})
    failure_ratio    = optional(number, 0.05)
    oldest_unacked_s = optional(number, 900)
  })
  default  = {}
  nullable = false
  validation {
    condition     = var.alerts.failure_ratio > 0 && var.alerts.failure_ratio < 1
    error_message = "alerts.failure_ratio is between 0 and 1, both excluded."
  }
}

variable "batches" {
  description = "Compressing images by their URLs (docs/batches.md). Results, and what became of each URL, stay keep_days; readers may read the results' bucket; url is what it is served as, if it is. make image puts in what it takes."
  type = object({
    enabled   = optional(bool, false)
    keep_days = optional(number, 30)
    readers   = optional(list(string), [])
    url       = optional(string)
  })
  default  = {}
  nullable = false
  validation {
    condition     = var.batches.keep_days >= 8
    error_message = "batches.keep_days is 8 at least: a message may come a week late, and must find its batch."
  }
  validation {
    condition     = alltrue([for member in var.batches.readers : startswith(member, "all") || can(regex("^(user|group|domain|serviceAccount|principal|principalSet):.", member))])
    error_message = "batches.readers are written with what they are: user:anna@example.com, group:..., serviceAccount:..., domain:example.com."
  }
  validation {
    condition     = length(setintersection(var.batches.readers, ["allUsers", "allAuthenticatedUsers"])) == 0
    error_message = "batches.readers are persons, groups or accounts: a bucket that everybody reads is made by whoever wants one."
  }
}

variable "bucket" {
  description = "Name of the bucket that images are copied into. It is made, unless buckets says otherwise."
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9._-]{1,54}[a-z0-9]$", var.bucket))
    error_message = "bucket is a name of 3 to 56 lower-case letters, digits, dots, dashes or underscores, without gs://; others are made from it."
  }
}

variable "buckets" {
  description = "More buckets by name, or other wishes for the first one; create = false takes a bucket that exists, prefix only its objects that begin so."
  type = map(object({
    create        = optional(bool, true)
    force_destroy = optional(bool, false)
    location      = optional(string)
    prefix        = optional(string)
  }))
  default  = {}
  nullable = false
  validation {
    condition     = alltrue([for name in keys(var.buckets) : can(regex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", name))])
    error_message = "buckets has the names of buckets as its keys, without gs:// and without what stands behind a slash: that is prefix."
  }
  validation {
    condition     = alltrue([for name in ["batches", "builds", "exports"] : !contains(keys(var.buckets), "${var.bucket}-${name}")])
    error_message = "The buckets of batches, builds and exports are not for images: each export would be news to the worker."
  }
}

variable "changes" {
  description = "A topic that is told of each document that changed (docs/export.md). bigquery is a table that there is, PROJECT.DATASET.TABLE: it takes a row of each change."
  type = object({
    enabled  = optional(bool, false)
    bigquery = optional(string)
  })
  default  = {}
  nullable = false
  validation {
    condition     = can(regex("^[^.]+[.][^.]+[.][^.]+$", coalesce(var.changes.bigquery, "p.d.t")))
    error_message = "changes.bigquery is PROJECT.DATASET.TABLE."
  }
  validation {
    condition     = var.changes.enabled || var.changes.bigquery == null
    error_message = "changes.bigquery takes what is told: it needs changes.enabled."
  }
}

variable "deletion_protection" {
  description = "Keep terraform destroy away from the database and from what runs on Cloud Run."
  type        = bool
  default     = true
  nullable    = false
}

variable "firestore" {
  description = "The database of the documents. promoted are tags with indexes, as imagemeta fields list calls them; recovery keeps seven days of history; unindexed takes more fields out of all indexes; tombstones of deleted objects stay tombstone_days."
  type = object({
    collection     = optional(string, "images")
    database       = optional(string, "imagemeta")
    location       = optional(string)
    promoted       = optional(set(string), [])
    recovery       = optional(bool, false)
    tombstone_days = optional(number, 30)
    unindexed      = optional(list(string), [])
  })
  default  = {}
  nullable = false
  validation {
    condition     = var.firestore.tombstone_days >= 8
    error_message = "firestore.tombstone_days is 8 at least: a message may come a week late, and must find the tombstone."
  }
}

variable "image" {
  description = "The worker's image, best by digest; make image writes it into image.auto.tfvars. Without it, imagemeta:latest of the registry."
  type        = string
  default     = null
}

variable "jobs" {
  description = "Jobs to make, of backfill, export and reconcile. Reconcile mends every night what differs between buckets and documents; backfill waits to be started."
  type = object({
    enabled            = optional(set(string), ["backfill", "reconcile"])
    export_schedule    = optional(string, "0 4 * * *")
    reconcile_schedule = optional(string, "0 3 * * *")
    time_zone          = optional(string, "Etc/UTC")
  })
  default  = {}
  nullable = false
  validation {
    condition     = length(setsubtract(var.jobs.enabled, ["backfill", "export", "reconcile"])) == 0
    error_message = "jobs.enabled takes backfill, export and reconcile."
  }
}

variable "kms_key_id" {
  description = "A key of yours for everything that takes one: projects/P/locations/L/keyRings/R/cryptoKeys/K, in the region of the data. Firestore needs an allow-list for it."
  type        = string
  default     = null
  validation {
    condition     = can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", coalesce(var.kms_key_id, "projects/p/locations/l/keyRings/r/cryptoKeys/k")))
    error_message = "kms_key_id is projects/P/locations/L/keyRings/R/cryptoKeys/K, without a version: gcloud kms keys list shows it as NAME."
  }
}

variable "labels" {
  description = "Labels for everything that takes them, besides app."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "name" {
  description = "What every name begins with."
  type        = string
  default     = "imagemeta"
  nullable    = false
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name is 3 to 20 lower-case letters, digits or dashes, and begins with a letter."
  }
}

variable "project_id" {
  description = "The project that holds everything."
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is the project's id, neither its number nor its title: PROJECT_ID of gcloud projects list."
  }
}

variable "region" {
  description = "Where it runs; also where buckets and database are, unless they say otherwise."
  type        = string
  default     = "us-central1"
  nullable    = false
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is one such as europe-west1: neither a zone (europe-west1-b) nor a multi-region (EU), which buckets and firestore.location may have."
  }
}

variable "settings" {
  description = "More of the worker's settings (docs/settings.md), such as { IMAGEMETA_MAKERNOTES = \"always\" }."
  type        = map(string)
  default     = {}
  nullable    = false
  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^(IMAGEMETA|OTEL)_[A-Z_]+$", name))])
    error_message = "settings are named IMAGEMETA_... or OTEL_...: docs/settings.md lists them."
  }
}

variable "subnetwork" {
  description = "Self link of a subnetwork for the machines, with Private Google Access and a way in for health checks. Without it, a small network is made."
  type        = string
  default     = null
  validation {
    condition     = strcontains(coalesce(var.subnetwork, "/subnetworks/"), "/subnetworks/")
    error_message = "subnetwork is projects/P/regions/R/subnetworks/S: the name alone does not say where it is."
  }
}

variable "subscription" {
  description = "How messages are delivered: seconds until a message that nobody answered for comes again, pauses between attempts, attempts until it is a dead letter, how long all is kept."
  type = object({
    ack_deadline_s        = optional(number, 60)
    max_backoff_s         = optional(number, 600)
    max_delivery_attempts = optional(number, 20)
    min_backoff_s         = optional(number, 10)
    retention_s           = optional(number, 604800)
  })
  default  = {}
  nullable = false
  validation {
    condition     = var.subscription.ack_deadline_s >= 10 && var.subscription.ack_deadline_s <= 600
    error_message = "subscription.ack_deadline_s is 10 to 600."
  }
  validation {
    condition     = var.subscription.max_delivery_attempts >= 20 && var.subscription.max_delivery_attempts <= 100
    error_message = "subscription.max_delivery_attempts is 20 to 100: the worker writes a failure down after 10, and must come first."
  }
  validation {
    condition     = var.subscription.min_backoff_s <= var.subscription.max_backoff_s && var.subscription.max_backoff_s <= 600
    error_message = "subscription.min_backoff_s is at most max_backoff_s, and that at most 600."
  }
  validation {
    condition     = var.subscription.retention_s >= 600 && var.subscription.retention_s <= 2678400
    error_message = "subscription.retention_s is 600 to 2678400, which are 31 days."
  }
}

variable "trace_ratio" {
  description = "The share of messages that leave a trace."
  type        = number
  default     = 0.01
  nullable    = false
  validation {
    condition     = var.trace_ratio >= 0 && var.trace_ratio <= 1
    error_message = "trace_ratio is 0 to 1."
  }
}

variable "web" {
  description = "The console and its API, behind IAP or for members with an invoker's token only. viewers says who may do what and see positions how exactly (IMAGEMETA_VIEWERS of docs/settings.md). It reads documents alone; previews has it read pictures, operate lets it do what the commands do, pause also switch the buckets' notifications; min_instances = 1 keeps long runs going."
  type = object({
    api_keys      = optional(bool, false)
    enabled       = optional(bool, false)
    iap           = optional(bool, true)
    max_instances = optional(number)
    members       = optional(list(string), [])
    min_instances = optional(number, 0)
    operate       = optional(bool, false)
    pause         = optional(bool, false)
    previews      = optional(bool, false)
    viewers       = optional(string, "*=read")
  })
  default  = {}
  nullable = false
  validation {
    condition     = alltrue([for member in var.web.members : startswith(member, "all") || can(regex("^(user|group|domain|serviceAccount|principal|principalSet):.", member))])
    error_message = "web.members are written with what they are: user:anna@example.com, group:..., serviceAccount:..., domain:example.com."
  }
  validation {
    condition     = length(setintersection(var.web.members, ["allUsers", "allAuthenticatedUsers"])) == 0
    error_message = "web.members are persons, groups or accounts, never everybody: documents say where pictures were taken."
  }
  validation {
    condition     = !var.web.operate || var.web.api_keys || can(regex("=[a-z,]*(operate|admin)", var.web.viewers))
    error_message = "web.operate needs somebody who may: web.viewers with operate or admin, as \"anna@example.com=operate *=read\", or api_keys."
  }
  validation {
    condition     = !var.web.pause || var.web.operate
    error_message = "web.pause is for a console that operates."
  }
}

variable "worker" {
  description = "Where it runs (mig: a group of machines that follows the queue; worker-pool: Cloud Run, by CPU; push: Cloud Run, to zero) and how large. min_instances is 1, with push 0; schedules raise it by the clock."
  type = object({
    runtime         = optional(string, "mig")
    cpu             = optional(number, 1)
    drain_target_s  = optional(number, 240)
    grace_s         = optional(number, 20)
    images_per_s    = optional(number, 300)
    machine_type    = optional(string, "e2-standard-2")
    max_instances   = optional(number, 20)
    memory          = optional(string, "1Gi")
    min_instances   = optional(number)
    spot            = optional(bool, false)
    stabilization_s = optional(number, 300)
    threads         = optional(number, 64)
    schedules = optional(map(object({
      cron          = string
      duration_s    = number
      min_instances = number
      time_zone     = optional(string, "Etc/UTC")
    })), {})
  })
  default  = {}
  nullable = false
  validation {
    condition     = contains(["mig", "worker-pool", "push"], var.worker.runtime)
    error_message = "worker.runtime is mig, worker-pool or push."
  }
  validation {
    condition     = var.worker.grace_s >= 1 && var.worker.grace_s <= (var.worker.spot ? 20 : 75)
    error_message = "worker.grace_s is at most 75, and 20 with spot: a machine is given 90 s to stop, a spot machine 30 s."
  }
  validation {
    condition     = alltrue([for each in [var.worker.max_instances, var.worker.threads, var.worker.images_per_s, var.worker.drain_target_s] : each > 0])
    error_message = "worker.max_instances, threads, images_per_s and drain_target_s are more than 0."
  }
  validation {
    condition     = try(var.worker.min_instances <= var.worker.max_instances, true)
    error_message = "worker.min_instances is at most max_instances."
  }
  validation {
    condition     = var.worker.runtime != "push" || var.worker.cpu == 1
    error_message = "worker.cpu is 1 with push: one process holds the port, so more would idle."
  }
  validation {
    condition     = length(var.worker.schedules) == 0 || var.worker.runtime == "mig"
    error_message = "worker.schedules are for the group: Cloud Run has none."
  }
}
