# A key of yours, where you want one. Each service encrypts with its own agent,
# so each agent needs the key, before anything is made with it.

locals {
  encrypting = merge(
    { for name in ["artifactregistry", "firestore", "pubsub"] : name => local.agents[name] },
    local.mig ? { compute = local.agents.compute } : {},
    local.cloud_run ? { run = local.agents.run } : {},
    { storage = data.google_storage_project_service_account.default.email_address },
  )
}

resource "google_kms_crypto_key_iam_member" "agents" {
  for_each      = var.kms_key_id == null ? {} : local.encrypting
  crypto_key_id = var.kms_key_id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${each.value}"

  depends_on = [google_project_service.default]
}
