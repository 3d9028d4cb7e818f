"""What surrounds the worker: the emulators on this machine, the compose file, the image."""
