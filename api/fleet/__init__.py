"""Those who come: drivers, their vehicles, where they are."""
