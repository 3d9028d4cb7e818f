"""The Terraform stack, planned and applied by the real terraform against a stand-in for Google's provider."""
