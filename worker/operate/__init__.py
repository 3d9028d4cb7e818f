"""What operators do to a running system. An action publishes messages, and the worker does the work."""
