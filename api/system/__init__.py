"""How the process itself is doing."""
