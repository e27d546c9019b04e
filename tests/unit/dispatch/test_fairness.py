"""Who had their share lately, by property."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dispatch.matching import fairness
from dispatch.matching.fairness import HALF_LIFE, WINDOW, Entry, Given, Standing, standing

NOW = datetime(2026, 1, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

MOMENTS = some.timedeltas(timedelta(0), timedelta(days=9)).map(lambda age: NOW - age)
ENTRIES = some.lists(
    some.builds(Entry, kind=some.sampled_from(Given), at=MOMENTS, weight=some.floats(0, 1)), max_size=20
)
STANDINGS = some.builds(
    Standing, offers=some.floats(0, 50), accepts=some.floats(0, 50), hours=some.floats(0, 80)
)


def test_a_line_counts_half_after_two_days_and_nothing_after_seven() -> None:
    for age, weight in ((timedelta(0), 1.0), (HALF_LIFE, 0.5), (WINDOW + HOUR, 0.0)):
        found = standing([Entry(Given.ACCEPTED, NOW - age)], NOW)
        assert found.accepts == pytest.approx(weight)


@given(ENTRIES, some.timedeltas(timedelta(0), timedelta(days=7)))
def test_time_makes_every_standing_lighter(entries: list[Entry], later: timedelta) -> None:
    before, after = standing(entries, NOW), standing(entries, NOW + later)
    assert after.work <= before.work + 1e-9
    assert after.hours <= before.hours + 1e-9


@given(ENTRIES, ENTRIES)
def test_what_a_ledger_shows_adds_up(some_lines: list[Entry], others: list[Entry]) -> None:
    whole = standing([*some_lines, *others], NOW)
    assert whole.work == pytest.approx(standing(some_lines, NOW).work + standing(others, NOW).work)


def test_to_be_asked_counts_less_than_to_have_taken() -> None:
    asked = standing([Entry(Given.OFFERED, NOW), Entry(Given.DECLINED, NOW)], NOW)
    took = standing([Entry(Given.OFFERED, NOW), Entry(Given.ACCEPTED, NOW)], NOW)
    assert 0 < asked.work < took.work


@given(some.timedeltas(timedelta(0), timedelta(days=6)), some.timedeltas(timedelta(0), timedelta(days=1)))
def test_a_shift_is_as_long_as_it_was(age: timedelta, length: timedelta) -> None:
    ended = NOW - age
    lines = fairness.hours(ended - length, ended, NOW)
    assert sum(line.weight for line in lines) == pytest.approx(length / HOUR)
    assert all(line.weight <= 1 + 1e-9 and ended - length <= line.at <= ended for line in lines)


def test_a_shift_that_goes_on_ends_now_and_one_of_last_month_is_forgotten() -> None:
    assert sum(line.weight for line in fairness.hours(NOW - 3 * HOUR, None, NOW)) == pytest.approx(3)
    assert fairness.hours(NOW - timedelta(days=30), NOW - timedelta(days=29), NOW) == []
    assert fairness.hours(NOW + HOUR, None, NOW) == []


@given(STANDINGS, some.floats(0.01, 5))
def test_more_work_for_the_same_hours_never_brings_the_next_order_sooner(who: Standing, usual: float) -> None:
    busier = Standing(offers=who.offers + 1, accepts=who.accepts + 1, hours=who.hours)
    longer = Standing(offers=who.offers, accepts=who.accepts, hours=who.hours + 1)
    assert fairness.handicap(busier, usual) >= fairness.handicap(who, usual)
    assert -1 <= fairness.handicap(who, usual) <= 1
    if who.share(usual) > 0:
        assert fairness.handicap(longer, usual) <= fairness.handicap(who, usual) + 1e-9


def test_who_has_the_usual_share_and_who_is_new_are_neither_ahead_nor_behind() -> None:
    drivers = [Standing(offers=8, accepts=4, hours=6), Standing(offers=4, accepts=2, hours=3)]
    usual = fairness.usual_share(drivers)
    assert fairness.handicap(drivers[0], usual) == pytest.approx(0)
    assert fairness.handicap(fairness.NOTHING, usual) == pytest.approx(0)
    assert fairness.handicap(drivers[0], fairness.usual_share([])) == 0
