"""What devices sent and nobody could read."""
