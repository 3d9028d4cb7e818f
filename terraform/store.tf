# The Firestore database, its indexes, and what no index may cover.

locals {
  # Large, open-ended or never asked for by themselves: composite indexes cover
  # some of them all the same. worker/indexes.py has the same lists.
  unqueried = [
    "attempts", "custom", "dropped", "errors", "first_bytes", "long_texts", "notification", "sources", "tags", "timings",
    "attempt", "blocks", "bytes_read", "crc32c", "metageneration", "name", "search.copyright", "search.fields",
    "search.title", "search.words", "taken.alternatives", "text", "worker",
  ]
  # Values that only grow all go to the end of their index, and one place takes
  # some 500 writes a second: indexed by themselves, they would cap the whole
  # collection. Behind the time a picture was taken they spread as that does.
  growing = ["created", "event_time", "generation", "patched_at", "processed_at", "updated"]

  # Newest pictures first, narrowed by one of these, or more: Firestore joins the
  # indexes of several. docs/search.md says which search needs which. They grow
  # only as fast as cameras do: a live feed of more than 500 images a second
  # should do without (README.md).
  narrowed = [
    "bucket", "exposure.iso", "failure.code", "failure.fingerprint", "name", "quarantined", "run", "search.camera",
    "search.format", "search.has.position", "search.lens", "search.make", "search.model", "status",
  ]
  # What a click adds to a search.
  faceted = ["bucket", "search.camera", "search.format", "search.has.position", "search.lens", "status"]
  # Ranges, alone and beside one of these, or more.
  ranged = [
    { fields = ["exposure.iso"], beside = local.faceted },
    { fields = ["exposure.focal_length"], beside = [] },
    { fields = ["position.geohash"], beside = local.faceted },
    { fields = ["exposure.iso", "position.geohash"], beside = [] },
    { fields = ["exposure.focal_length", "position.geohash"], beside = [] },
  ]
  newest = [
    { field = "search.time", order = "DESCENDING", array = null },
    { field = "search.local", order = "DESCENDING", array = null },
  ]
  indexes = merge(
    { "search.time" = local.newest },
    { "search.words" = concat([{ field = "search.words", order = null, array = "CONTAINS" }], local.newest) },
    { for field in local.narrowed : field => concat([{ field = field, order = "ASCENDING", array = null }], local.newest) },
    { for range in local.ranged : "${join(", ", range.fields)}, a range" => concat(
      local.newest, [for field in range.fields : { field = field, order = "DESCENDING", array = null }]
    ) },
    merge([for range in local.ranged : { for beside in range.beside : "${join(", ", range.fields)}, a range beside ${beside}" => concat(
      [{ field = beside, order = "ASCENDING", array = null }], local.newest,
      [for field in range.fields : { field = field, order = "DESCENDING", array = null }]
    ) }]...),
    # A promoted tag: whether a document has it, its values, and both ends of them.
    { for tag in var.firestore.promoted : "${tag}, there" => concat([{ field = "search.fields.${tag}.has", order = "ASCENDING", array = null }], local.newest) },
    { for tag in var.firestore.promoted : "${tag}, a value" => concat([{ field = "search.fields.${tag}.values", order = null, array = "CONTAINS" }], local.newest) },
    { for tag in var.firestore.promoted : "${tag}, from" => concat(local.newest, [{ field = "search.fields.${tag}.high", order = "DESCENDING", array = null }]) },
    { for tag in var.firestore.promoted : "${tag}, up to" => concat(local.newest, [{ field = "search.fields.${tag}.low", order = "DESCENDING", array = null }]) },
    # What a reconcile merges a bucket's listing with.
    { "bucket, name" = [
      { field = "bucket", order = "ASCENDING", array = null },
      { field = "name", order = "ASCENDING", array = null },
    ] },
  )
}

# Named, because a project may have a (default) one in Datastore mode.
resource "google_firestore_database" "default" {
  project                           = var.project_id
  name                              = var.firestore.database
  location_id                       = coalesce(var.firestore.location, var.region)
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  point_in_time_recovery_enablement = var.firestore.recovery ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.deletion_protection ? "ABANDON" : "DELETE"

  dynamic "cmek_config" {
    for_each = var.kms_key_id[*]
    content {
      kms_key_name = cmek_config.value
    }
  }

  depends_on = [google_kms_crypto_key_iam_member.agents, google_project_service.default]
}

resource "google_firestore_index" "search" {
  for_each    = local.indexes
  project     = var.project_id
  database    = google_firestore_database.default.name
  collection  = var.firestore.collection
  query_scope = "COLLECTION"

  dynamic "fields" {
    for_each = each.value
    content {
      field_path   = fields.value.field
      order        = fields.value.order
      array_config = fields.value.array
    }
  }
}

resource "google_firestore_field" "unindexed" {
  for_each   = toset(concat(local.unqueried, local.growing, var.firestore.unindexed))
  project    = var.project_id
  database   = google_firestore_database.default.name
  collection = var.firestore.collection
  field      = each.value

  index_config {}
}

# A tombstone stays a while, so that late news of its object finds it.
resource "google_firestore_field" "tombstones" {
  project    = var.project_id
  database   = google_firestore_database.default.name
  collection = var.firestore.collection
  field      = "deleted_at"

  index_config {}
  ttl_config {
    expiration_offset = "${var.firestore.tombstone_days * 86400}s"
  }
}
