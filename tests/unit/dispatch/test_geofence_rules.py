"""When a fix says that a device crossed a fence, and when it does not."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.states import Crossing, Side
from dispatch.geofences.rules import Crossed, Fix, Standing, judge, side_of
from tests.builders import NOON

DEPTH_M = 200.0
IN, OUT = -100.0, 100.0


def fix(second: int, outside_m: float, accuracy_m: float | None = 10.0) -> Fix:
    return Fix(NOON + timedelta(seconds=second), outside_m, accuracy_m)


def walk(fixes: Iterable[Fix], *, depth_m: float = DEPTH_M) -> list[Crossed]:
    standing, told = Standing(), []
    for each in fixes:
        standing, crossed = judge(standing, each, depth_m=depth_m)
        if crossed:
            told.append(crossed)
    return told


def kinds(*outside_m: float) -> list[str]:
    return [crossed.kind for crossed in walk(fix(second, at) for second, at in enumerate(outside_m))]


def test_the_first_side_known_is_no_crossing() -> None:
    assert kinds(IN, IN, IN) == []
    assert kinds(OUT, OUT) == []


def test_two_fixes_on_the_other_side_cross_once_at_the_time_of_the_first() -> None:
    told = walk([fix(0, OUT), fix(1, IN), fix(2, IN), fix(3, IN)])
    assert told == [Crossed(Crossing.ENTERED, fix(1, IN).at, fix(2, IN).at)]


def test_a_single_stray_fix_crosses_nothing() -> None:
    assert kinds(IN, OUT, IN, OUT, IN, IN) == []


def test_a_fix_that_says_nothing_does_not_undo_a_doubt() -> None:
    assert kinds(IN, OUT, 0.0, OUT) == ["left"]


def test_out_and_in_again_is_told_in_order() -> None:
    assert kinds(IN, OUT, OUT, IN, IN, OUT, OUT) == ["left", "entered", "left"]


@pytest.mark.parametrize(
    ("outside_m", "accuracy_m", "depth_m", "side"),
    [
        (11, 10, 200, Side.OUTSIDE),
        (9, 10, 200, None),
        (-11, 10, 200, Side.INSIDE),
        (-9, 10, 200, None),
        (25, None, 200, None),  # an accuracy that is not told is not taken for good
        (-16, 40, 30, Side.INSIDE),  # half-way into a small fence
        (-25, 1500, 30, None),  # a cell tower says nothing of a school
        (2000, 1500, 30, Side.OUTSIDE),
    ],
)
def test_a_fix_counts_when_its_error_cannot_have_put_it_there(
    outside_m: float, accuracy_m: float | None, depth_m: float, side: Side | None
) -> None:
    assert side_of(fix(0, outside_m, accuracy_m), depth_m=depth_m) is side


accuracies = st.floats(1, 100)
jitters = st.lists(st.tuples(accuracies, st.floats(-1, 1)), max_size=40)


@given(st.floats(-DEPTH_M, 1000), jitters)
def test_who_stands_still_crosses_nothing_however_the_fixes_jump(
    really_m: float, jitter: list[tuple[float, float]]
) -> None:
    fixes = [
        fix(second, max(really_m + accuracy * way, -DEPTH_M), accuracy)
        for second, (accuracy, way) in enumerate(jitter)
    ]
    assert walk(fixes) == []


steps = st.lists(st.tuples(st.integers(0, 50), st.sampled_from([IN, OUT, 0.0, 5.0, -5.0])), max_size=40)


@given(steps)
def test_crossings_alternate_and_follow_the_time(said: list[tuple[int, float]]) -> None:
    told = walk(fix(*each) for each in said)
    times = [time for crossed in told for time in (crossed.at, crossed.confirmed_at)]
    assert times == sorted(set(times))
    assert all(one.kind != other.kind for one, other in pairwise(told))


@given(steps)
def test_late_and_repeated_fixes_change_nothing(said: list[tuple[int, float]]) -> None:
    newest, in_time = -1, []
    for second, outside_m in said:
        if second > newest:
            newest = second
            in_time.append((second, outside_m))
    assert walk(fix(*each) for each in said) == walk(fix(*each) for each in in_time)


@given(steps, st.integers(0, 40))
def test_it_makes_no_difference_when_it_is_looked(said: list[tuple[int, float]], cut: int) -> None:
    standing, told = Standing(), []
    for part in (said[:cut], said[cut:]):
        # As it is kept between two looks: these three values.
        standing = Standing(standing.looked_at, standing.side, standing.doubted_at)
        for each in part:
            standing, crossed = judge(standing, fix(*each), depth_m=DEPTH_M)
            told += [crossed] if crossed else []
    assert told == walk(fix(*each) for each in said)
