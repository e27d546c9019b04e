"""Fences around places, of people and of the staff."""
