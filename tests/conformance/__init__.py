"""One suite per port, run against every backend: what the ports' docstrings promise, as a user would notice it."""
