"""A day of orders and drivers, run again with other settings, in time of its own. Pure.

The day is what customers and drivers bring: who asks where and when, who drives from when to when. Who is
sent where comes of `planning.plan`, as in a running stack. What a driver would answer is theirs, not the
policy's: the same driver answers the same order alike in every run.
"""

import heapq
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import NamedTuple

from db.states import Service
from dispatch.matching import driver_rules, driver_scoring, fairness
from dispatch.matching.driver_rules import ASK_AGAIN, Ability, Demand
from dispatch.matching.driver_scoring import Point, Policy, There
from dispatch.matching.fairness import Standing
from dispatch.matching.planning import Waiting, plan
from dispatch.matching.scoring import DETOUR
from dispatch.orders.rules import ANSWER_WITHIN

LONGEST_AFTER_S = 6 * 3_600.0
"""So long after the last order the day is over, whoever still waits."""


USUAL_BUSY_S = {Service.TOW: 24 * 60.0, Service.REPAIR: 22 * 60.0, Service.RIDE: 18 * 60.0}
"""From the driver's arrival to the end, where nothing better is known."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order as its customer brought it; times in seconds of the day."""

    at_s: float
    place: Point
    demand: Demand
    busy_s: float  # from the driver's arrival to the end
    ends_at: Point  # where the driver is then


@dataclass(frozen=True, slots=True)
class Working:
    """A driver as they came to work: from where, and in which shifts."""

    place: Point
    shifts: tuple[tuple[float, float], ...]
    ability: Ability


@dataclass(frozen=True, slots=True)
class Habits:
    """How drivers answer."""

    accept: float = 0.85
    silent: float = 0.05  # the rest says no
    answer_s: float = 8.0


@dataclass(frozen=True, slots=True)
class Day:
    """What is the same in every run."""

    orders: Sequence[Wanted]
    drivers: Sequence[Working]
    habits: Habits = Habits()
    seed: int = 0


@dataclass(slots=True)
class Course:
    """What became of an order."""

    driver: int | None = None
    asked: int = 0
    needed_a_person: bool = False
    taken_s: float | None = None
    pickup_m: float = 0.0
    arrived_s: float | None = None
    ended_s: float | None = None


@dataclass(slots=True)
class Run:
    """What became of the day."""

    courses: list[Course]
    driven_m: list[float]  # of each driver: empty, to pickups
    taken: list[int]  # of each driver: orders


def run(day: Day, policy: Policy) -> Run:
    """Live through the day by this policy."""
    return _Running(day, policy).to_the_end()


class Answer(NamedTuple):
    """What a driver says to an offer, and when; silence ends with its deadline."""

    yes: bool
    silent: bool
    after_s: float


def answer_of(day: Day, order: int, driver: int) -> Answer:
    """The same whenever, however often and by whichever policy they are asked."""
    chance = random.Random(f"{day.seed}/{order}/{driver}")  # noqa: S311 - nothing is guarded by it
    said, habits = chance.random(), day.habits
    within_s = ANSWER_WITHIN.total_seconds()
    if said < habits.silent:
        return Answer(yes=False, silent=True, after_s=within_s)
    after_s = min(chance.expovariate(1 / habits.answer_s), within_s - 1)
    return Answer(yes=said < habits.silent + habits.accept, silent=False, after_s=after_s)


class _What(IntEnum):
    """What happens; at the same moment in this order, so that a round sees all of it."""

    FREE = 0
    ASKED = 1
    ANSWERED = 2
    AGAIN = 3  # somebody who was silent may be asked again
    ROUND = 4


class _Event(NamedTuple):
    at_s: float
    what: _What
    order: int = -1
    driver: int = -1


@dataclass(slots=True)
class _Driver:
    """Where a driver is, and what they were given."""

    place: Point
    busy: bool = False
    asked: bool = False
    offers: int = 0
    accepts: int = 0


@dataclass
class _Running:
    day: Day
    policy: Policy
    _events: list[_Event] = field(default_factory=list)
    # Orders nobody is asked for, and those somebody is; with whom not to ask, and until when.
    _waiting: dict[int, dict[int, float]] = field(default_factory=dict)
    _asking: dict[int, dict[int, float]] = field(default_factory=dict)
    _round_at: float | None = None

    def __post_init__(self) -> None:
        self._drivers = [_Driver(each.place) for each in self.day.drivers]
        self._courses = [Course() for _ in self.day.orders]
        self._driven_m = [0.0] * len(self.day.drivers)
        for number, order in enumerate(self.day.orders):
            self._add(_Event(order.at_s, _What.ASKED, order=number))
        for number, driver in enumerate(self.day.drivers):
            for begins, _ in driver.shifts:
                self._add(_Event(begins, _What.FREE, driver=number))

    def to_the_end(self) -> Run:
        """Let all happen that happens."""
        last = max((order.at_s for order in self.day.orders), default=0.0) + LONGEST_AFTER_S
        while self._events:
            event = heapq.heappop(self._events)
            if event.at_s > last:
                break
            match event.what:
                case _What.FREE:
                    self._drivers[event.driver].busy = False
                case _What.ASKED:
                    self._waiting[event.order] = {}
                case _What.ANSWERED:
                    self._answered(event)
                case _What.AGAIN:
                    pass
                case _What.ROUND:
                    self._round_at = None
                    self._round(event.at_s)
                    continue
            self._want_round(event.at_s)
        return Run(self._courses, self._driven_m, [each.accepts for each in self._drivers])

    def _add(self, event: _Event) -> None:
        heapq.heappush(self._events, event)

    def _want_round(self, at_s: float) -> None:
        """The next round is at the end of the window, or at once where none gathers."""
        if self._round_at is not None or not self._waiting:
            return
        window_s = self.policy.window_s
        self._round_at = at_s if not self.policy.gathers else (at_s // window_s + 1) * window_s
        self._add(_Event(self._round_at, _What.ROUND))

    def _round(self, at_s: float) -> None:
        orders = list(self._waiting)
        there = [number for number in range(len(self._drivers)) if self._is_there(number, at_s)]
        standings = [self._standing(number, at_s) for number in there]
        usual = fairness.usual_share(standings)
        found = plan(
            [
                Waiting(
                    self.day.orders[order].place,
                    self.day.orders[order].demand,
                    timedelta(seconds=at_s - self.day.orders[order].at_s),
                    [driver for driver, until_s in self._waiting[order].items() if until_s > at_s],
                )
                for order in orders
            ],
            [
                There(
                    number,
                    self._drivers[number].place,
                    self.day.drivers[number].ability,
                    fairness.handicap(standing, usual),
                    free=not (self._drivers[number].busy or self._drivers[number].asked),
                )
                for number, standing in zip(there, standings, strict=True)
            ],
            self.policy,
        )
        for proposal in found.proposals:
            self._ask(orders[proposal.order], there[proposal.driver], at_s)
        for order, anybody_able in zip(orders, found.anybody_able, strict=True):
            waited = timedelta(seconds=at_s - self.day.orders[order].at_s)
            if order in self._waiting and driver_rules.needs_a_person(
                anybody_able=anybody_able, waited=waited
            ):
                self._courses[order].needed_a_person = True

    def _ask(self, order: int, driver: int, at_s: float) -> None:
        self._asking[order] = self._waiting.pop(order)
        self._courses[order].asked += 1
        self._drivers[driver].asked = True
        self._drivers[driver].offers += 1
        answer = answer_of(self.day, order, driver)
        self._add(_Event(at_s + answer.after_s, _What.ANSWERED, order, driver))

    def _answered(self, event: _Event) -> None:
        order, at_s = event.order, event.at_s
        answer, driver, excluded = (
            answer_of(self.day, order, event.driver),
            self._drivers[event.driver],
            self._asking.pop(order),
        )
        driver.asked = False
        if answer.yes:
            self._come(order, event.driver, at_s)
            return
        excluded[event.driver] = at_s + ASK_AGAIN.total_seconds() if answer.silent else math.inf
        self._waiting[order] = excluded
        if answer.silent:
            self._add(_Event(excluded[event.driver], _What.AGAIN))

    def _come(self, order: int, number: int, at_s: float) -> None:
        driver, wanted, course = self._drivers[number], self.day.orders[order], self._courses[order]
        way_m = driver_scoring.distance_m(driver.place, wanted.place)
        course.driver, course.taken_s, course.pickup_m = number, at_s, way_m
        course.arrived_s = at_s + driver_scoring.eta_s(way_m)
        course.ended_s = course.arrived_s + wanted.busy_s
        driver.busy, driver.place = True, wanted.ends_at
        driver.accepts += 1
        self._driven_m[number] += way_m * DETOUR
        self._add(_Event(course.ended_s, _What.FREE, driver=number))

    def _is_there(self, driver: int, at_s: float) -> bool:
        return any(begins <= at_s < ends for begins, ends in self.day.drivers[driver].shifts)

    def _standing(self, driver: int, at_s: float) -> Standing:
        shifts = self.day.drivers[driver].shifts
        hours = sum(max(min(ends, at_s) - begins, 0.0) for begins, ends in shifts) / 3_600
        known = self._drivers[driver]
        return Standing(offers=known.offers, accepts=known.accepts, hours=hours)
