"""What stands behind the ports: the cloud (gcp) and one machine (local). Only `worker.bootstrap` imports from here."""
