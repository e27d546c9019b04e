"""Days that nobody lived: a city, who calls in it and who drives, made of a few numbers. Pure."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from db.states import Need, Service
from dispatch.matching.driver_rules import Ability, Demand, Equipment
from dispatch.matching.driver_scoring import Point
from dispatch.replay.simulation import USUAL_BUSY_S, Day, Habits, Wanted, Working

METRE = 1 / 111_195
"""In degrees of latitude."""

TASHKENT: Point = (41.311081, 69.240562)

_SHARE = {Service.RIDE: 0.5, Service.TOW: 0.3, Service.REPAIR: 0.2}
_SPREAD = 0.4
"""One in six takes half as long again as is usual."""


@dataclass(frozen=True, slots=True)
class City:
    """What a day is made of."""

    drivers: int = 200
    orders: int = 400
    hours: float = 1.0
    radius_m: float = 9_000.0
    centres: int = 5  # places from which more is asked than from elsewhere
    middle: Point = TASHKENT
    habits: Habits = field(default_factory=Habits)


def invent(city: City, seed: int) -> Day:
    """The same day for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - nothing is guarded by it
    centres = [_anywhere(chance, city) for _ in range(city.centres)]
    until_s = city.hours * 3_600
    times = sorted(chance.uniform(0, until_s) for _ in range(city.orders))
    return Day(
        orders=[_order(chance, city, centres, at_s) for at_s in times],
        # On from before the first order until after the last is done: shifts are for recorded days.
        drivers=[
            Working(_anywhere(chance, city), ((0.0, math.inf),), _ability(chance))
            for _ in range(city.drivers)
        ],
        habits=city.habits,
        seed=seed,
    )


def _order(chance: random.Random, city: City, centres: Sequence[Point], at_s: float) -> Wanted:
    service = chance.choices(list(_SHARE), list(_SHARE.values()))[0]
    place = _near(chance, city, chance.choice(centres)) if chance.random() < 0.6 else _anywhere(chance, city)
    ends_at = place if service == Service.REPAIR else _anywhere(chance, city)
    needs = frozenset({Need.RAMP}) if service == Service.RIDE and chance.random() < 0.2 else frozenset()
    busy_s = USUAL_BUSY_S[service] * math.exp(chance.gauss(0, _SPREAD))
    return Wanted(at_s, place, Demand(service, "default", needs), busy_s, ends_at)


def _ability(chance: random.Random) -> Ability:
    """Half of the drivers take passengers, the others tow and repair."""
    if chance.random() < 0.5:
        return Ability(frozenset({Service.RIDE}), equipment=Equipment(ramp=chance.random() < 0.4))
    return Ability(frozenset({Service.TOW, Service.REPAIR}))


def _anywhere(chance: random.Random, city: City) -> Point:
    return _moved(city.middle, city.radius_m * math.sqrt(chance.random()), chance.uniform(0, math.tau))


def _near(chance: random.Random, city: City, centre: Point) -> Point:
    return _moved(centre, abs(chance.gauss(0, city.radius_m / 9)), chance.uniform(0, math.tau))


def _moved(start: Point, metres: float, bearing: float) -> Point:
    lat = start[0] + metres * math.cos(bearing) * METRE
    return lat, start[1] + metres * math.sin(bearing) * METRE / math.cos(math.radians(start[0]))
