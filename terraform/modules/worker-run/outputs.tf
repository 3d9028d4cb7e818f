output "name" {
  description = "Name of the service or pool."
  value       = one(concat(google_cloud_run_v2_service.default[*].name, google_cloud_run_v2_worker_pool.default[*].name))
}

output "uri" {
  description = "Address of the service; a pool has none."
  value       = one(google_cloud_run_v2_service.default[*].uri)
}
