output "instance_group" {
  description = "Self link of the group."
  value       = google_compute_region_instance_group_manager.default.instance_group
}
