"""A stand-in for the google Terraform provider: its schema, no cloud."""
