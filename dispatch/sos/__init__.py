"""The life of an incident."""
