# A console to operate from: two may act, their colleagues may look, and nobody
# else gets through IAP. It stays, so that long runs do.

module "imagemeta" {
  source = "../.."

  project_id = "acme-photos"
  bucket     = "acme-pictures"

  web = {
    enabled       = true
    members       = ["group:photos@example.com"]
    min_instances = 1
    operate       = true
    pause         = true
    viewers       = "anna@example.com=admin/exact ben@example.com=operate,read @example.com=read/rounded"
  }
}

output "console" {
  value = module.imagemeta.console
}

output "upload" {
  value = module.imagemeta.upload
}
