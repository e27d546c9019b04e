"""What a day came to, in the few numbers by which policies are compared. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dispatch.matching.driver_scoring import EARTH_M, Point
from dispatch.replay.simulation import Course, Day, Run, Wanted

CELL_M = 2_000
"""The edge of the squares by which areas are told apart."""

LATE_S = 30 * 60
"""Whoever waits longer was not covered."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A square of the city: how soon somebody was there."""

    middle: Point
    orders: int
    late: int  # for whom nobody came, or too late
    arrival_p90_s: float | None  # none: nobody came to any

    @property
    def is_covered(self) -> bool:
        """Nine of ten are reached in time."""
        return self.late * 10 <= self.orders


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to."""

    orders: int
    served: int
    needed_a_person: int
    asked: int
    arrival_p50_s: float
    arrival_p90_s: float
    pickup_mean_m: float
    empty_km: float
    per_driver_mean: float
    per_driver_p10: float
    per_driver_p90: float
    arrivals_s: list[float]
    per_driver: list[int]
    cells: list[Cell]

    @property
    def uncovered(self) -> list[Cell]:
        """The worst first."""
        return sorted(
            (cell for cell in self.cells if not cell.is_covered), key=lambda cell: (-cell.late, cell.middle)
        )


def summarise(day: Day, run: Run) -> Figures:
    """The figures of one run."""
    arrivals = sorted(
        arrival for order, course in zip(day.orders, run.courses, strict=True)
        if (arrival := _arrival_s(order, course)) is not None
    )  # fmt: skip
    pickups = [course.pickup_m for course in run.courses if course.driver is not None]
    return Figures(
        orders=len(day.orders),
        served=len(arrivals),
        needed_a_person=sum(course.needed_a_person for course in run.courses),
        asked=sum(course.asked for course in run.courses),
        arrival_p50_s=quantile(arrivals, 0.5),
        arrival_p90_s=quantile(arrivals, 0.9),
        pickup_mean_m=sum(pickups) / len(pickups) if pickups else math.nan,
        empty_km=sum(run.driven_m) / 1_000,
        per_driver_mean=sum(run.taken) / len(run.taken) if run.taken else math.nan,
        per_driver_p10=quantile(run.taken, 0.1),
        per_driver_p90=quantile(run.taken, 0.9),
        arrivals_s=arrivals,
        per_driver=sorted(run.taken),
        cells=_cells(day, run),
    )


def quantile(values: Iterable[float], share: float) -> float:
    """The value that this share of them does not exceed; not a number where there are none."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else math.nan


def _arrival_s(order: Wanted, course: Course) -> float | None:
    return None if course.arrived_s is None else course.arrived_s - order.at_s


def _cells(day: Day, run: Run) -> list[Cell]:
    by_square: dict[tuple[int, int], list[float | None]] = defaultdict(list)
    stretch = math.cos(math.radians(_middle_lat(day.orders)))
    for order, course in zip(day.orders, run.courses, strict=True):
        by_square[_square(order.place, stretch)].append(_arrival_s(order, course))
    return [_cell(square, said, stretch) for square, said in sorted(by_square.items())]


def _cell(square: tuple[int, int], arrivals: Sequence[float | None], stretch: float) -> Cell:
    came = [arrival for arrival in arrivals if arrival is not None]
    late = sum(arrival is None or arrival > LATE_S for arrival in arrivals)
    middle = ((square[0] + 0.5) * _EDGE_DEG, (square[1] + 0.5) * _EDGE_DEG / stretch)
    return Cell(middle, len(arrivals), late, quantile(came, 0.9) if came else None)


def _square(place: Point, stretch: float) -> tuple[int, int]:
    return math.floor(place[0] / _EDGE_DEG), math.floor(place[1] * stretch / _EDGE_DEG)


def _middle_lat(orders: Sequence[Wanted]) -> float:
    return sum(order.place[0] for order in orders) / len(orders) if orders else 0.0


_EDGE_DEG = math.degrees(CELL_M / EARTH_M)
