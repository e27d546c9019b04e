"""How far it is. Pure.

No map of roads is asked: the straight line, made longer by what roads are longer by on the whole.
"""

import math

from dispatch.matching.scoring import DETOUR

_EARTH_M = 6_371_008.8


def distance_m(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """As the crow flies."""
    north, other_north = math.radians(lat), math.radians(other_lat)
    half = math.sin((other_north - north) / 2) ** 2
    half += math.cos(north) * math.cos(other_north) * math.sin(math.radians(other_lon - lon) / 2) ** 2
    return 2 * _EARTH_M * math.asin(math.sqrt(min(1.0, half)))


def way_m(lat: float, lon: float, other_lat: float | None, other_lon: float | None) -> int:
    """By road, as far as that is known; nothing where there is nowhere to go."""
    if other_lat is None or other_lon is None:
        return 0
    return round(distance_m(lat, lon, other_lat, other_lon) * DETOUR)
