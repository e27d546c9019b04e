"""How likely a helper says yes, how soon they are there, how well they fit. Pure.

An SOS never considers fairness: who helped yesterday is asked again today.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatch.matching.rules import FITTING

PRIOR_DAY, PRIOR_NIGHT = 0.32, 0.22
"""The share of volunteers who respond lies between 17 and 47 % in the field; at night lower."""

PRIOR_WEIGHT = 6.0
"""As many answers as the prior counts for: six of one's own weigh as much as all that is known of others."""

NIGHT_HOURS = frozenset({22, 23, 0, 1, 2, 3, 4, 5})
"""By the sun at the place, which needs no time zone."""

NEAR_M = 500.0
FAR_ODDS = 0.6
"""Each doubling of the distance beyond `NEAR_M` leaves this share of the odds."""

LEAST, MOST = 0.02, 0.95
"""Nobody is certain."""

TURNOUT_DAY_S, TURNOUT_NIGHT_S = 105.0, 142.0
"""How long it takes to set out: medians of the field."""

DETOUR = 1.3
"""How much longer the way is than the straight line."""

WALKING_MPS, DRIVING_MPS = 1.5, 7.5
TO_THE_CAR_S = 240.0

FIT_ONE, FIT_MORE = 1.25, 1.5
"""How much sooner somebody counts as there who has one of the skills that matter, or several."""


@dataclass(frozen=True, slots=True)
class History:
    """How often somebody was asked and said yes; older answers count less."""

    asked: float = 0.0
    accepted: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """What is expected of one helper, with what it is made of."""

    chance: float
    eta_s: int
    fit: float
    terms: dict[str, Any]

    @property
    def worth_s(self) -> float:
        """The time until they are there, shortened by what they can do: less is better."""
        return self.eta_s / self.fit


def score(
    *,
    history: History,
    distance_m: float,
    skills: Collection[str],
    sos_type: str,
    lon: float,
    at: datetime,
) -> Score:
    """What to expect of a helper at this distance, at this hour."""
    hour = solar_hour(at, lon)
    night = hour in NIGHT_HOURS
    prior = PRIOR_NIGHT if night else PRIOR_DAY
    usual = (prior * PRIOR_WEIGHT + history.accepted) / (PRIOR_WEIGHT + history.asked)
    doublings = math.log2(max(distance_m, NEAR_M) / NEAR_M)
    odds = usual / (1 - usual) * FAR_ODDS**doublings
    chance = min(max(odds / (1 + odds), LEAST), MOST)
    mode, way_s = quickest(distance_m)
    eta_s = round((TURNOUT_NIGHT_S if night else TURNOUT_DAY_S) + way_s)
    useful = sorted(FITTING.get(sos_type, frozenset()).intersection(skills))
    fit = (1.0, FIT_ONE, FIT_MORE)[min(len(useful), 2)]
    terms = {
        "prior": prior,
        "night": night,
        "asked": round(history.asked, 2),
        "accepted": round(history.accepted, 2),
        "usual": round(usual, 3),
        "distance": round(FAR_ODDS**doublings, 3),
        "mode": mode,
        "way_s": round(way_s),
        "skills": useful,
        "fit": fit,
    }
    return Score(round(chance, 4), eta_s, fit, terms)


def quickest(distance_m: float) -> tuple[str, float]:
    """On foot or by car, and how long that takes from the first step."""
    way_m = distance_m * DETOUR
    walking_s, driving_s = way_m / WALKING_MPS, TO_THE_CAR_S + way_m / DRIVING_MPS
    return ("foot", walking_s) if walking_s <= driving_s else ("car", driving_s)


def remaining_s(distance_m: float, *, asked_m: float | None) -> int:
    """How long somebody still needs who is on the way, by the means that was best when they set out."""
    mode, _ = quickest(distance_m if asked_m is None else asked_m)
    return round(distance_m * DETOUR / (WALKING_MPS if mode == "foot" else DRIVING_MPS))


def solar_hour(at: datetime, lon: float) -> int:
    """The hour of the day by the sun."""
    return int((at.hour + at.minute / 60 + lon / 15) % 24)
