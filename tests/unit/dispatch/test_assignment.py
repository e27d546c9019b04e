"""Who goes where, by property and against all that could be."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from dispatch.matching import assignment
from dispatch.matching.assignment import Matrix, Pairs
from dispatch.matching.planning import distances_m

COSTS = some.tuples(some.integers(1, 5), some.integers(1, 5)).flatmap(
    lambda shape: some.lists(
        some.lists(
            some.one_of(some.integers(-300, 3_000).map(float), some.just(np.inf)),
            min_size=shape[1],
            max_size=shape[1],
        ),
        min_size=shape[0],
        max_size=shape[0],
    ).map(lambda rows: np.array(rows))
)


def total(costs: Matrix, pairs: Pairs) -> float:
    return float(sum(costs[pair] for pair in pairs))


def check(costs: Matrix, pairs: Pairs) -> None:
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(np.isfinite(costs[pair]) for pair in pairs)


def best(costs: Matrix) -> tuple[int, float]:
    """How many can be served, and for how little, of all there is."""
    rows, columns = costs.shape
    for served in range(min(rows, columns), 0, -1):
        ways = [
            total(costs, list(zip(those, them, strict=True)))
            for those in itertools.combinations(range(rows), served)
            for them in itertools.permutations(range(columns), served)
        ]
        if any(np.isfinite(each) for each in ways):
            return served, min(ways)
    return 0, 0.0


@given(COSTS)
def test_as_many_as_can_be_are_served_for_the_least(costs: Matrix) -> None:
    pairs = assignment.solve(costs)
    check(costs, pairs)
    served, least = best(costs)
    assert len(pairs) == served
    assert total(costs, pairs) == pytest.approx(least)


@given(COSTS)
def test_each_in_turn_serves_no_order_that_could_not_be_and_none_for_less(costs: Matrix) -> None:
    pairs = assignment.first_come(costs)
    check(costs, pairs)
    served, least = best(costs)
    assert len(pairs) <= served
    if len(pairs) == served:
        assert total(costs, pairs) >= least - 1e-6
    if pairs:
        first = min(row for row in range(len(costs)) if np.isfinite(costs[row]).any())
        assert costs[pairs[0]] == costs[first].min()


@pytest.mark.parametrize("places", [1, 8])
def test_pruning_costs_next_to_nothing_and_nobody_their_driver(
    monkeypatch: pytest.MonkeyPatch, places: int
) -> None:
    """From one place more call than its nearest drivers can serve."""
    costs = city(orders=120, drivers=900, places=places)
    exact = assignment.solve(costs)
    monkeypatch.setattr(assignment, "WHOLE", 0)
    pruned = assignment.solve(costs)
    check(costs, pruned)
    assert len(pruned) == len(exact) == 120
    assert total(costs, pruned) <= total(costs, exact) * 1.005


def test_nothing_is_made_of_nothing() -> None:
    for shape in ((0, 0), (0, 3), (3, 0), (2, 2)):
        costs = np.full(shape, np.inf)
        assert assignment.solve(costs) == assignment.first_come(costs) == []


def city(*, orders: int, drivers: int, places: int) -> Matrix:
    """Drivers all over a city; orders around so many places of it."""
    chance = np.random.default_rng(7)
    centres = chance.uniform(0, 0.3, (places, 2))
    wanted = centres[chance.integers(0, places, orders)] + chance.normal(0, 0.005, (orders, 2))
    free = chance.uniform(0, 0.3, (drivers, 2))
    corner = np.array([41.2, 69.1])
    return distances_m([tuple(each) for each in wanted + corner], [tuple(each) for each in free + corner])
