"""Fences around places, and what follows when a device crosses one."""
