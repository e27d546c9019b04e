"""Tracks made small enough to print, and drawn without anybody's map. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_METRES_PER_DEGREE = 111_320.0
_LEAST_SPAN_M = 50.0
"""Somebody who lies still is a dot, not a scribble of what the receiver imagined."""


def thin(items: Sequence[T], *, most: int) -> list[T]:
    """At most `most` of them, evenly chosen: the first and the last are always kept."""
    if len(items) <= most:
        return list(items)
    step = (len(items) - 1) / (most - 1)
    return [items[round(number * step)] for number in range(most)]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A track in a square of `size`, north up; `bar` is a length in it that stands for `bar_m` metres."""

    size: float
    points: list[tuple[float, float]]
    bar: float
    bar_m: int


def draw(places: Sequence[tuple[float, float]], *, size: float = 320.0, margin: float = 24.0) -> Drawing:
    """Lay places (latitude, longitude) into a square, all at the same scale."""
    if not places:
        raise ValueError("nothing to draw")
    lat_0, lon_0 = places[0]
    east = math.cos(math.radians(lat_0)) * _METRES_PER_DEGREE
    metres = [(_turn(lon - lon_0) * east, (lat - lat_0) * _METRES_PER_DEGREE) for lat, lon in places]
    left, right = min(x for x, _ in metres), max(x for x, _ in metres)
    bottom, top = min(y for _, y in metres), max(y for _, y in metres)
    span = max(right - left, top - bottom, _LEAST_SPAN_M)
    scale = (size - 2 * margin) / span
    middle_x, middle_y = (left + right) / 2, (bottom + top) / 2
    points = [
        (size / 2 + (x - middle_x) * scale, size / 2 - (y - middle_y) * scale)  # paper counts downwards
        for x, y in metres
    ]
    bar_m = _round_length(span / 3)
    return Drawing(size, points, bar_m * scale, bar_m)


def _turn(degrees: float) -> float:
    """The short way round: a track across the date line is no trip around the world."""
    return (degrees + 180) % 360 - 180


def _round_length(metres: float) -> int:
    """The largest of 1, 2, 5, 10, 20, 50, … that is not longer."""
    power = 10 ** math.floor(math.log10(metres))
    return int(max(step * power for step in (1, 2, 5) if step * power <= metres))
