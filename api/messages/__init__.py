"""What people were told: their own inbox, their apps, and what the gateway reports of it."""
