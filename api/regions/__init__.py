"""The areas that dispatchers watch, as GeoJSON."""
