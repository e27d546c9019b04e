"""A drawing of where somebody is, seen from where they are going; north is up, and no map is asked for. Pure.

The goal stands in the middle and the rings around it are round distances: so the picture is still while
somebody comes nearer, and changes its scale in steps.
"""

import math
from dataclasses import dataclass
from html import escape

from api.live.words import Words
from api.track.words import far

WIDTH, HEIGHT = 360, 270
_X, _Y = WIDTH / 2, HEIGHT / 2
_RING = 112.0
_STEPS_M = (300, 600, 1_000, 2_000, 4_000, 6_000, 10_000, 20_000, 40_000, 60_000, 100_000)
_DEGREE_M = 111_195.0
_LABEL = 24

Point = tuple[float, float]
"""Latitude, longitude."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn: the goal, who comes to it, and another place of the order where it is in sight."""

    goal: Point
    goal_name: str
    here: Point | None = None
    here_name: str = ""
    stale: bool = False
    other: Point | None = None
    other_name: str = ""


def draw(picture: Picture, words: Words, *, title: str) -> str:
    """The drawing as SVG, styled by the page."""
    here = None if picture.here is None else _offset_m(picture.here, picture.goal)
    other = None if picture.other is None else _offset_m(picture.other, picture.goal)
    reach_m = reach_of(here or other)
    scale = _RING / reach_m
    below = here is not None and here[1] > 0
    parts = [
        _ring(_RING, far(words, reach_m)),
        _ring(_RING / 2, far(words, reach_m / 2)),
        f'<text class="north" x="{WIDTH - 18}" y="24">{escape(words["north"])}</text>'
        f'<path class="north" d="M{WIDTH - 18} 30v18m-4-13l4-5 4 5"/>',
    ]
    if other is not None and math.hypot(*other) * scale <= _RING + 15:
        parts.append(_spot("other", other, scale, picture.other_name, below=other[1] < 0))
    if here is not None:
        x, y = _place(here, scale)
        parts.append(f'<path class="leg" d="M{x:.1f} {y:.1f}L{_X:.1f} {_Y:.1f}"/>')
        parts.append('<polyline class="trail" id="trail" points=""/>')
    parts.append(_spot("goal", (0.0, 0.0), scale, picture.goal_name, below=below))
    if here is not None:
        kind = "driver stale" if picture.stale else "driver"
        parts.append(_spot(kind, here, scale, picture.here_name, below=not below))
    # In metres, for that a page can draw the way that it saw.
    told = "" if here is None else f' data-east="{here[0]:.0f}" data-north="{here[1]:.0f}"'
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}"'
        f' data-scale="{scale:.6f}"{told}>{"".join(parts)}</svg>'
    )


def reach_of(offset_m: Point | None) -> int:
    """How far the outer ring is: the first round distance that has it inside."""
    away_m = 0.0 if offset_m is None else math.hypot(*offset_m)
    last = _STEPS_M[-1]
    return next((step for step in _STEPS_M if away_m <= step), math.ceil(away_m / last) * last)


def _offset_m(point: Point, goal: Point) -> Point:
    """How far east and north of the goal."""
    east = (point[1] - goal[1] + 180) % 360 - 180
    return east * math.cos(math.radians(goal[0])) * _DEGREE_M, (point[0] - goal[0]) * _DEGREE_M


def _place(offset_m: Point, scale: float) -> Point:
    return _X + offset_m[0] * scale, _Y - offset_m[1] * scale


def _ring(radius: float, label: str) -> str:
    return (
        f'<circle class="far" cx="{_X:.0f}" cy="{_Y:.0f}" r="{radius:.0f}"/>'
        f'<text class="far" x="{_X + radius * 0.7071 + 4:.1f}" y="{_Y + radius * 0.7071 + 10:.1f}">'
        f"{escape(label)}</text>"
    )


def _spot(kind: str, offset_m: Point, scale: float, name: str, *, below: bool) -> str:
    x, y = _place(offset_m, scale)
    marks = {
        "goal": '<path d="M0 -9l9 9-9 9-9-9z"/>',
        "other": '<path d="M-5 -5h10v10h-10z"/>',
    }
    mark = marks.get(kind, '<circle class="halo" r="17"/><circle r="9"/>')
    # What stands at the edge is named towards the middle.
    anchor = "start" if x < 70 else "end" if x > WIDTH - 70 else "middle"
    return (
        f'<g class="{kind}" transform="translate({x:.1f} {y:.1f})">{mark}'
        f'<text y="{_LABEL + 5 if below else -_LABEL + 6}" text-anchor="{anchor}">{escape(name)}</text></g>'
    )
