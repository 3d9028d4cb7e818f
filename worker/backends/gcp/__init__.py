"""Pub/Sub, Cloud Storage and Firestore. Cloud packages are imported in this folder and nowhere else.

Each module speaks to the emulator that its environment variable names (PUBSUB_EMULATOR_HOST,
STORAGE_EMULATOR_HOST, FIRESTORE_EMULATOR_HOST), as Google's own clients do, and otherwise to the cloud with
application default credentials.
"""
