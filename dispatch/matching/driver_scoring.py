"""What it costs to send a driver to an order, in seconds: less is better. Pure.

All terms are seconds, so that each can be told: the way to the pickup, the driver's own region, their share
of the work lately. A call for help is never scored by this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from dispatch.matching.driver_rules import REACH_M, Ability, Demand
from dispatch.matching.scoring import DETOUR, DRIVING_MPS

Matrix = npt.NDArray[np.float64]
"""Orders by drivers."""

EARTH_M = 6_371_008.8

SETTING_OUT_S = 45
"""From the yes to the first metre."""

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
class Score:
    """What one driver would cost, with what it is made of."""

    distance_m: float
    eta_s: int
    total_s: float
    terms: dict[str, Any]


def score(*, distance_m: float, demand: Demand, ability: Ability, handicap: float, policy: Policy) -> Score:
    """One driver and one order; `handicap` is the driver's of `fairness`."""
    eta_s = float(eta(distance_m))
    terms = {
        "eta_s": round(eta_s),
        "region_s": round(home_s(demand, ability, policy)),
        "fairness_s": round(policy.fairness_s * handicap),
        "handicap": round(handicap, 2),
    }
    total_s = eta_s + home_s(demand, ability, policy) + policy.fairness_s * handicap
    return Score(distance_m, round(eta_s), round(total_s, 1), terms)


def home_s(demand: Demand, ability: Ability, policy: Policy) -> float:
    """Who drives in that very region comes before those who drive anywhere."""
    return -policy.region_s if ability.regions and demand.region in ability.regions else 0.0


def eta(distance_m: float | Matrix) -> float | Matrix:
    """Seconds until somebody is there who sets out now, by the straight line in metres."""
    return SETTING_OUT_S + distance_m * DETOUR / DRIVING_MPS


def waited_s(waited: timedelta, policy: Policy) -> float:
    """What waiting takes off the cost of every driver: it decides who of two orders is served first."""
    return policy.waiting_weight * max(waited.total_seconds(), 0.0)


def distances_m(orders: Sequence[Point], drivers: Sequence[Point]) -> Matrix:
    """The straight lines from each order to each driver, on a globe."""
    # A chord of the globe: one product of matrices instead of ten million sines.
    cosines = _on_the_globe(orders) @ _on_the_globe(drivers).T
    chord = np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0))
    return np.asarray(2.0 * EARTH_M * np.arcsin(np.minimum(chord / 2.0, 1.0)), dtype=np.float64)


def _on_the_globe(points: Sequence[Point]) -> Matrix:
    lat, lon = np.radians(np.asarray(points, dtype=np.float64).reshape(-1, 2)).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
