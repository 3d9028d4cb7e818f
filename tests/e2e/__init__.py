"""The whole, as a user meets it: real uploads with Google's own tools, a real push subscription, real telemetry."""
