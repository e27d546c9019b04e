"""Looking on without a login, by the link that a guardian was sent."""
