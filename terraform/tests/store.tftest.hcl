mock_provider "google" {}

variables {
  project_id = "acme-photos"
  bucket     = "acme-pictures"
}

run "the_documents_outlive_the_stack" {
  command = plan

  assert {
    condition     = google_firestore_database.default.delete_protection_state == "DELETE_PROTECTION_ENABLED" && google_firestore_database.default.deletion_policy == "ABANDON"
    error_message = "terraform destroy must not take the documents along."
  }
  assert {
    condition     = google_firestore_field.tombstones.ttl_config[0].expiration_offset == "2592000s"
    error_message = "A tombstone stays thirty days."
  }
}

run "more_fields_can_be_exempt" {
  command = plan

  variables {
    firestore = { unindexed = ["uri"] }
  }
  assert {
    condition     = contains(keys(google_firestore_field.unindexed), "uri") && contains(keys(google_firestore_field.unindexed), "tags")
    error_message = "Fields of yours come on top."
  }
}

run "tombstones_outlive_late_messages" {
  command = plan

  variables {
    firestore = { tombstone_days = 7 }
  }
  expect_failures = [var.firestore]
}
