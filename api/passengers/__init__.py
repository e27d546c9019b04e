"""Those who ride: what they cannot ride without."""
