"""The chain looking at itself: what is ill in it, and calls that try the whole of it."""
