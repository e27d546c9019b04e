"""Orders over HTTP: asking, looking, moving, and what it costs."""
