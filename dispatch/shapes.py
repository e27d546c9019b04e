"""Areas as people draw them: rings of (longitude, latitude), and what may be wrong with them. Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

Position = tuple[float, float]
Ring = Sequence[Position]
Polygon = Sequence[Ring]
"""The outer ring first, then the holes."""
Shape = Sequence[Polygon]

FEWEST = 4
"""The positions of a triangle, whose last is its first."""


def count_vertices(shape: Shape) -> int:
    """How many positions are stored for a shape."""
    return sum(len(ring) for polygon in shape for ring in polygon)


def find_faults(shape: Shape, *, most_vertices: int) -> list[str]:
    """Everything that can be told without a map; self-intersections are PostGIS's to find."""
    if not shape or not all(shape):
        return ["must hold at least one polygon with at least one ring"]
    vertices = count_vertices(shape)
    if vertices > most_vertices:
        return [f"has {vertices} vertices; at most {most_vertices} are taken, please simplify it"]
    if fault := _off_the_globe(shape):
        return [fault]
    return [f"{where} {fault}" for where, ring in _named(shape) if (fault := _ring_fault(ring))]


def _off_the_globe(shape: Shape) -> str | None:
    positions = [position for _, ring in _named(shape) for position in ring]
    wrong = next((p for p in positions if abs(p[0]) > 180 or abs(p[1]) > 90), None)
    if wrong is None:
        return None
    said = f"[{wrong[0]:g}, {wrong[1]:g}] is not on the globe"
    if all(abs(lon) <= 90 and abs(lat) <= 180 for lon, lat in positions):
        return f"{said}: latitude and longitude look swapped, GeoJSON writes [longitude, latitude]"
    return f"{said}: longitude lies within 180 and latitude within 90 degrees, as [longitude, latitude]"


def _ring_fault(ring: Ring) -> str | None:
    if len(ring) < FEWEST:
        return f"has {len(ring)} positions; a ring has at least {FEWEST}, the last being the first again"
    if tuple(ring[0]) != tuple(ring[-1]):
        return "is not closed: its last position must be its first again"
    if any(abs(west[0] - east[0]) > 180 for west, east in pairwise(ring)):
        return (
            "crosses the antimeridian, or an edge spans more than 180 degrees:"
            " cut the area at longitude 180 into the parts of a MultiPolygon"
        )
    return None


def _named(shape: Shape) -> Iterator[tuple[str, Ring]]:
    """Each ring, by the name that a person would give it."""
    for number, polygon in enumerate(shape, 1):
        whole = f"polygon {number}: " if len(shape) > 1 else ""
        for hole, ring in enumerate(polygon):
            yield f"{whole}{f'hole {hole}' if hole else 'the outer ring'}", ring
