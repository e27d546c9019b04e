"""A city hour, lived again and again."""

import itertools
import math
import statistics
from collections import defaultdict

import pytest

from dispatch.matching.driver_rules import ASK_AGAIN, Ability, Demand
from dispatch.matching.driver_scoring import Policy
from dispatch.replay import figures
from dispatch.replay.cities import City, invent
from dispatch.replay.figures import summarise
from dispatch.replay.simulation import Day, Habits, Run, Wanted, Working, run

BATCH, GREEDY = Policy(window_s=3), Policy(window_s=0)
SEEDS = range(4)

HERE, THERE = (41.30, 69.20), (41.35, 69.20)
TOW = Demand("tow", "default")
TOWING = Ability(frozenset({"tow"}))


@pytest.fixture(scope="module")
def hours() -> dict[int, tuple[Day, Run, Run]]:
    """An hour of 200 drivers and 400 orders, several times, greedily and gathered."""
    days = {seed: invent(City(drivers=200, orders=400), seed) for seed in SEEDS}
    return {seed: (day, run(day, GREEDY), run(day, BATCH)) for seed, day in days.items()}


def test_gathered_orders_are_picked_up_from_at_least_a_tenth_less_far(
    hours: dict[int, tuple[Day, Run, Run]],
) -> None:
    saved = []
    for day, greedy, batch in hours.values():
        saved.append(1 - summarise(day, batch).pickup_mean_m / summarise(day, greedy).pickup_mean_m)
    assert statistics.mean(saved) >= 0.10
    assert min(saved) >= 0.05, "no city is worse off"


def test_no_order_is_lost_and_no_driver_has_two(hours: dict[int, tuple[Day, Run, Run]]) -> None:
    for day, *runs in hours.values():
        for each in runs:
            assert [course.ended_s is not None for course in each.courses] == [True] * len(day.orders)
            rides: dict[int, list[tuple[float, float]]] = defaultdict(list)
            for course in each.courses:
                assert course.driver is not None
                assert course.taken_s is not None
                assert course.ended_s is not None
                rides[course.driver].append((course.taken_s, course.ended_s))
            for taken in rides.values():
                taken.sort()
                assert all(before[1] <= after[0] for before, after in itertools.pairwise(taken))
            assert sum(each.taken) == len(day.orders)


def test_the_same_day_by_the_same_policy_comes_out_the_same(hours: dict[int, tuple[Day, Run, Run]]) -> None:
    day, _, batch = hours[0]
    assert run(invent(City(drivers=200, orders=400), 0), BATCH).courses == batch.courses
    assert invent(City(), 1).orders != day.orders


def lonely(habits: Habits, shifts: tuple[tuple[float, float], ...] = ((0.0, math.inf),)) -> Day:
    """One order, one driver."""
    order = Wanted(at_s=10, place=HERE, demand=TOW, busy_s=600, ends_at=THERE)
    return Day([order], [Working(THERE, shifts, TOWING)], habits)


def test_who_says_yes_comes_and_who_says_no_is_not_asked_again() -> None:
    (course,) = run(lonely(Habits(accept=1, silent=0)), BATCH).courses
    assert (course.driver, course.asked, course.needed_a_person) == (0, 1, False)
    assert course.arrived_s is not None
    assert course.taken_s is not None
    assert course.taken_s < course.arrived_s
    (course,) = run(lonely(Habits(accept=0, silent=0)), BATCH).courses
    assert (course.driver, course.asked, course.needed_a_person) == (None, 1, True)


def test_who_is_silent_is_asked_again_after_a_while() -> None:
    (course,) = run(lonely(Habits(accept=0, silent=1)), BATCH).courses
    assert course.asked > 6 * 3_600 / ASK_AGAIN.total_seconds() / 2
    assert course.needed_a_person


def test_nobody_is_asked_outside_of_their_shift() -> None:
    yes = Habits(accept=1, silent=0)
    (course,) = run(lonely(yes, ((0, 5), (500, 900))), BATCH).courses
    assert course.taken_s is not None
    assert course.taken_s >= 500
    assert run(lonely(yes, ((0, 5),)), BATCH).courses[0].driver is None


def test_the_figures_say_what_happened() -> None:
    day = lonely(Habits(accept=1, silent=0))
    found = summarise(day, run(day, BATCH))
    assert (found.orders, found.served, found.asked, found.per_driver) == (1, 1, 1, [1])
    assert found.pickup_mean_m == pytest.approx(5_560, rel=0.01)
    assert found.empty_km == pytest.approx(5.56 * 1.3, rel=0.01)
    assert found.uncovered == []
    nobody = lonely(Habits(accept=0, silent=0))
    found = summarise(nobody, run(nobody, BATCH))
    assert (found.served, found.needed_a_person) == (0, 1)
    assert math.isnan(found.arrival_p50_s)
    (cell,) = found.uncovered
    assert (cell.orders, cell.late, cell.arrival_p90_s) == (1, 1, None)
    assert math.dist(cell.middle, HERE) < 0.03
    empty = Day([], [])
    assert summarise(empty, run(empty, BATCH)).orders == 0


def test_quantiles_are_values_that_were_there() -> None:
    assert figures.quantile([5, 1, 3], 0.5) == 3
    assert figures.quantile(range(1, 11), 0.9) == 9
    assert math.isnan(figures.quantile([], 0.5))
