variable "image" {
  description = "The worker's image."
  type        = string
}

variable "kms_key_id" {
  description = "A key for the disks, or none."
  type        = string
}

variable "labels" {
  description = "Labels of template and disks."
  type        = map(string)
}

variable "name" {
  description = "Name of the group and of all that belongs to it."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "queue" {
  description = "The subscription whose backlog sizes the group, and how much of it one machine is given."
  type = object({
    subscription = string
    per_instance = number
  })
}

variable "region" {
  description = "The region."
  type        = string
}

variable "service_account" {
  description = "E-mail of the machines' account."
  type        = string
}

variable "settings" {
  description = "Environment of the worker."
  type        = map(string)
}

variable "subnetwork" {
  description = "The machines' subnetwork, with Private Google Access."
  type        = string
}

variable "worker" {
  description = "Shape and limits."
  type = object({
    grace_s         = number
    machine_type    = string
    max_instances   = number
    min_instances   = number
    spot            = bool
    stabilization_s = number
    schedules = map(object({
      cron          = string
      duration_s    = number
      min_instances = number
      time_zone     = string
    }))
  })
}
