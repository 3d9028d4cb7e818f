terraform {
  required_version = ">= 1.9.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.41.0, < 9.0.0"
    }
  }

  # The state holds no secret. For a team, keep it in a bucket of its own:
  # backend "gcs" { bucket = "...", prefix = "imagemeta" }
}
