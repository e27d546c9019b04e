"""Areas that dispatchers watch, and which of them a place belongs to."""

from dispatch.regions.queries import region_of

__all__ = ["region_of"]
