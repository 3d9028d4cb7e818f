# The least there is: a project, and a name for the bucket.

module "imagemeta" {
  source = "../.."

  project_id = "acme-photos"
  bucket     = "acme-pictures"
}

output "upload" {
  value = module.imagemeta.upload
}
