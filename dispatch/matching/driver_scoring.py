"""What it costs to send a driver to an order, in seconds: less is better. Pure.

All terms are seconds, so that each can be told: the way to the pickup, the driver's own region, their share
of the work lately. A call for help is never scored by this.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dispatch.matching.driver_rules import REACH_M, Ability, Demand
from dispatch.matching.scoring import DETOUR, DRIVING_MPS

EARTH_M = 6_371_008.8

SETTING_OUT_S = 45
"""From the yes to the first metre."""

S_PER_M = DETOUR / DRIVING_MPS
"""Of the straight line."""

Point = tuple[float, float]
"""Latitude and longitude."""


@dataclass(frozen=True, slots=True)
class Policy:
    """By what orders are matched; what `./mayday replay` tries out."""

    window_s: float = 3.0  # how long orders are gathered; 0: each at once, first come, first served
    reach_m: int = REACH_M
    region_s: float = 60.0  # how much longer a driver's own region may take
    fairness_s: float = 90.0  # how much longer, at most, who had no share of the work may take
    waiting_weight: float = 0.5  # where drivers are scarce: a second of waiting in seconds of way

    @property
    def gathers(self) -> bool:
        """Whether orders are solved together, or each as it comes."""
        return self.window_s > 0


@dataclass(frozen=True, slots=True)
class There:
    """A driver who is online, and where."""

    key: int
    place: Point
    ability: Ability
    handicap: float = 0.0  # of fairness
    free: bool = True  # not on an order, and not being asked


@dataclass(frozen=True, slots=True)
class Score:
    """What one driver would cost, with what it is made of."""

    distance_m: float
    eta_s: int
    total_s: float
    terms: dict[str, Any]


def score(*, distance_m: float, demand: Demand, ability: Ability, handicap: float, policy: Policy) -> Score:
    """One driver and one order; `handicap` is the driver's of `fairness`."""
    way_s = eta_s(distance_m)
    terms = {
        "eta_s": round(way_s),
        "region_s": round(home_s(demand, ability, policy)),
        "fairness_s": round(policy.fairness_s * handicap),
        "handicap": round(handicap, 2),
    }
    total_s = way_s + home_s(demand, ability, policy) + policy.fairness_s * handicap
    return Score(distance_m, round(way_s), round(total_s, 1), terms)


def home_s(demand: Demand, ability: Ability, policy: Policy) -> float:
    """Who drives in that very region comes before those who drive anywhere."""
    return -policy.region_s if ability.regions and demand.region in ability.regions else 0.0


def eta_s(distance_m: float) -> float:
    """How long somebody takes who sets out now."""
    return SETTING_OUT_S + distance_m * S_PER_M


def waited_s(waited: timedelta, policy: Policy) -> float:
    """What waiting takes off the cost of every driver: it decides who of two orders is served first."""
    return policy.waiting_weight * max(waited.total_seconds(), 0.0)


def distance_m(one: Point, other: Point) -> float:
    """The straight line on a globe."""
    (lat, lon), (there_lat, there_lon) = (map(math.radians, point) for point in (one, other))
    lats, lons = math.sin((there_lat - lat) / 2), math.sin((there_lon - lon) / 2)
    square = lats**2 + math.cos(lat) * math.cos(there_lat) * lons**2
    return 2 * EARTH_M * math.asin(min(math.sqrt(square), 1.0))
