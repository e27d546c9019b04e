"""One look at all orders that wait and all drivers who are there: who is asked to take what. Pure.

The rounds of a running stack and those of a simulated day are this same function.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from dispatch.matching import assignment, driver_scoring
from dispatch.matching.assignment import Matrix
from dispatch.matching.driver_rules import Ability, Demand, find_unable
from dispatch.matching.driver_scoring import EARTH_M, Point, Policy, Score, There

Flags = npt.NDArray[np.bool_]
_Numbers = npt.NDArray[np.intp]

H = TypeVar("H", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that nobody has taken yet."""

    place: Point
    demand: Demand
    waited: timedelta
    excluded: Collection[int] = ()  # keys of drivers who are not asked for it (again)
    open_offers: int = 0
    at_once: int = 1  # how many may be asked at the same time


@dataclass(frozen=True, slots=True)
class Proposal:
    """Which driver is asked to take which order, by their numbers in what was given."""

    order: int
    driver: int
    score: Score


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round comes to."""

    proposals: list[Proposal]
    anybody_able: list[bool]  # of each order: whether somebody could take it who is there, busy or not


def plan(waiting: Sequence[Waiting], drivers: Sequence[There], policy: Policy) -> Plan:
    """Ask as many as can be asked, at the least cost: first one driver for each order, then those beside."""
    distances = distances_m([each.place for each in waiting], [each.place for each in drivers])
    kinds = _Kinds.of(waiting, drivers)
    may = _may(waiting, drivers, distances, kinds, policy)
    able = [bool(row.any()) for row in may]
    free = np.fromiter((each.free for each in drivers), dtype=np.bool_, count=len(drivers))
    costs = _costs(waiting, drivers, distances, kinds, policy)
    costs[~may] = np.inf
    costs[:, ~free] = np.inf

    pairs = _match(costs, _first(waiting), policy)
    for _, driver in pairs:
        costs[:, driver] = np.inf
    pairs += _match(costs, _beside(waiting, pairs), policy)
    proposals = [
        Proposal(order, driver, _score(waiting[order], drivers[driver], distances[order, driver], policy))
        for order, driver in pairs
    ]
    return Plan(proposals, able)


def _match(costs: Matrix, rows: Sequence[int], policy: Policy) -> list[tuple[int, int]]:
    """Solve for these orders alone; one that stands there several times gets as many drivers."""
    if not rows:
        return []
    solve = assignment.solve if policy.gathers else assignment.first_come
    return [(rows[row], column) for row, column in solve(costs[list(rows)])]


def _first(waiting: Sequence[Waiting]) -> list[int]:
    alone = (number for number, each in enumerate(waiting) if not each.open_offers)
    return sorted(alone, key=lambda number: -waiting[number].waited)


def _beside(waiting: Sequence[Waiting], pairs: Iterable[tuple[int, int]]) -> list[int]:
    asked = [each.open_offers for each in waiting]
    for order, _ in pairs:
        asked[order] += 1
    return [
        number
        for number, each in enumerate(waiting)
        if asked[number]
        for _ in range(each.at_once - asked[number])
    ]


def _score(order: Waiting, driver: There, distance_m: float, policy: Policy) -> Score:
    return driver_scoring.score(
        distance_m=float(distance_m),
        demand=order.demand,
        ability=driver.ability,
        handicap=driver.handicap,
        policy=policy,
    )


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Which orders demand alike, and which drivers are able to do the same: what is alike is judged once."""

    demands: list[Demand]
    of_order: _Numbers
    abilities: list[Ability]
    of_driver: _Numbers

    @classmethod
    def of(cls, waiting: Iterable[Waiting], drivers: Iterable[There]) -> Self:
        demands, of_order = _numbered(each.demand for each in waiting)
        abilities, of_driver = _numbered(each.ability for each in drivers)
        return cls(demands, of_order, abilities, of_driver)

    def judge(self, rule: Callable[[Demand, Ability], float]) -> Matrix:
        """What a rule says of each order and driver."""
        said = [[rule(demand, ability) for ability in self.abilities] for demand in self.demands]
        table = np.array(said, dtype=np.float64).reshape(len(self.demands), len(self.abilities))
        return np.asarray(table[np.ix_(self.of_order, self.of_driver)])


def _numbered(each: Iterable[H]) -> tuple[list[H], _Numbers]:
    """The different ones, and which of them each is."""
    kinds: dict[H, int] = {}
    numbers = [kinds.setdefault(one, len(kinds)) for one in each]
    return list(kinds), np.array(numbers, dtype=np.intp)


def _may(
    waiting: Sequence[Waiting], drivers: Sequence[There], distances: Matrix, kinds: _Kinds, policy: Policy
) -> Flags:
    """Whether a driver could take an order, as far as what is against it does not pass by itself."""
    may: Flags = distances <= policy.reach_m
    may &= kinds.judge(lambda demand, ability: not find_unable(demand, ability)) > 0
    column = {each.key: number for number, each in enumerate(drivers)}
    for row, order in enumerate(waiting):
        may[row, [column[key] for key in order.excluded if key in column]] = False
    return may


def _costs(
    waiting: Sequence[Waiting], drivers: Sequence[There], distances: Matrix, kinds: _Kinds, policy: Policy
) -> Matrix:
    """What `driver_scoring.score` says of each pair, less what the order has waited."""
    costs = kinds.judge(lambda demand, ability: driver_scoring.home_s(demand, ability, policy))
    costs += driver_scoring.SETTING_OUT_S + distances * driver_scoring.S_PER_M
    costs += policy.fairness_s * np.array([each.handicap for each in drivers])
    costs -= np.array([driver_scoring.waited_s(each.waited, policy) for each in waiting])[:, np.newaxis]
    return costs


def distances_m(orders: Sequence[Point], drivers: Sequence[Point]) -> Matrix:
    """`driver_scoring.distance_m` of each order and each driver, as far as anybody is asked to come."""
    # Straight through the globe, a metre less on a hundred kilometres: one product of matrices instead of ten
    # million sines, and no second matrix beside it.
    through = _on_the_globe(orders) @ _on_the_globe(drivers).T
    through *= -2.0
    through += 2.0
    np.maximum(through, 0.0, out=through)
    np.sqrt(through, out=through)
    through *= EARTH_M
    return through


def _on_the_globe(points: Sequence[Point]) -> Matrix:
    lat, lon = np.radians(np.asarray(points, dtype=np.float64).reshape(-1, 2)).T
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
