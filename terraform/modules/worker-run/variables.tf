variable "command" {
  description = "The worker's command: push or work."
  type        = string
}

variable "deletion_protection" {
  description = "Keep terraform destroy away."
  type        = bool
}

variable "image" {
  description = "The worker's image."
  type        = string
}

variable "kms_key_id" {
  description = "A key, or none."
  type        = string
}

variable "labels" {
  description = "Labels."
  type        = map(string)
}

variable "name" {
  description = "Name of the service or pool."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "push" {
  description = "For a service: the audience that its callers' tokens name, and how long a request may take. Without it, a pool that pulls."
  type = object({
    audience  = string
    timeout_s = number
  })
  default = null
}

variable "region" {
  description = "The region."
  type        = string
}

variable "service_account" {
  description = "E-mail of the worker's account."
  type        = string
}

variable "settings" {
  description = "Environment of the worker."
  type        = map(string)
}

variable "worker" {
  description = "Shape and limits."
  type = object({
    cpu           = number
    max_instances = number
    memory        = string
    min_instances = number
    threads       = number
  })
}
