"""A day of orders and drivers, lived again by other settings."""
