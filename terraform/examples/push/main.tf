# Cloud Run that is pushed to: no machine while nobody uploads, ready in seconds.

module "imagemeta" {
  source = "../.."

  project_id = "acme-photos"
  bucket     = "acme-pictures"

  worker = {
    runtime       = "push"
    max_instances = 40
    memory        = "1Gi"
  }
  settings = {
    IMAGEMETA_MAKERNOTES = "always"
  }
}

output "upload" {
  value = module.imagemeta.upload
}
