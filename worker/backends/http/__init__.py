"""The outside world: what strangers' URLs lead to, fetched without being led astray."""
