"""Watches, phones and trackers as their owners see them."""
