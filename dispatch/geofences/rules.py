"""When a fix says that a device crossed a fence. Pure.

A fix counts for a side only when its error could not have put it there: outside, when it is farther from the
border than its accuracy; inside, likewise, but where the fence is too small for that, half-way in. Two fixes
that count are needed, one after the other, so that a single stray one crosses nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from db.states import Crossing, Side

LEAST_ERROR_M = 10.0
UNKNOWN_ERROR_M = 30.0
"""Taken for the accuracy of a fix that does not tell it."""

LEAST_DEPTH_M = 10.0
"""A fence that is nowhere wider than twice this cannot be told from its border."""

COARSE_M = 50.0
"""A fix of this accuracy may say "inside" of a fence however small."""

MOST_VERTICES = 500
LEAST_RADIUS_M, MOST_RADIUS_M = 20.0, 100_000.0
MOST_FENCES = 100
"""Of one person."""


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a device was, seen from a fence; `outside_m` is the distance to the border, negative inside."""

    at: datetime
    outside_m: float
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a device and a fence, as of the fix looked at last."""

    looked_at: datetime | None = None
    side: Side | None = None
    doubted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Crossed:
    """A crossing, with the times of the first and the second fix on the other side."""

    kind: Crossing
    at: datetime
    confirmed_at: datetime


def side_of(fix: Fix, *, depth_m: float) -> Side | None:
    """The side a fix counts for, or None when its error leaves that open."""
    known = UNKNOWN_ERROR_M if fix.accuracy_m is None else fix.accuracy_m
    error_m = max(known, LEAST_ERROR_M)
    if fix.outside_m > error_m:
        return Side.OUTSIDE
    fine = error_m <= max(depth_m, COARSE_M)
    if fine and fix.outside_m <= -min(error_m, depth_m / 2):
        return Side.INSIDE
    return None


def judge(standing: Standing, fix: Fix, *, depth_m: float) -> tuple[Standing, Crossed | None]:
    """What one more fix changes; one that is not later than the last says nothing.

    The first side that is known is where the story begins, and no crossing.
    """
    if standing.looked_at is not None and fix.at <= standing.looked_at:
        return standing, None
    standing = replace(standing, looked_at=fix.at)
    side = side_of(fix, depth_m=depth_m)
    if side is None:
        return standing, None
    if standing.side is None or side == standing.side:
        return Standing(fix.at, side), None
    if standing.doubted_at is None:
        return replace(standing, doubted_at=fix.at), None
    kind = Crossing.ENTERED if side is Side.INSIDE else Crossing.LEFT
    return Standing(fix.at, side), Crossed(kind, standing.doubted_at, fix.at)
