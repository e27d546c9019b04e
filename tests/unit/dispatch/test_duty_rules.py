"""Who is on duty when, by the clock on their wall."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.duty.rules import find_zone, is_on_duty

EVERY_DAY = tuple(range(7))
TASHKENT, BERLIN = "Asia/Tashkent", "Europe/Berlin"

zones = st.sampled_from(
    [
        *("UTC", TASHKENT, BERLIN, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"),
        *("Pacific/Apia", "America/St_Johns", "Africa/Casablanca", "Pacific/Kiritimati"),
    ]
)
instants = st.datetimes(
    min_value=datetime(2005, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
minutes = st.integers(0, 1_439)


@dataclass(frozen=True)
class Shift:
    from_minute: int
    to_minute: int
    timezone: str = TASHKENT
    weekdays: tuple[int, ...] = EVERY_DAY
    since: date | None = None
    until: date | None = None


def at_wall(text: str, zone: str = TASHKENT, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


NIGHT = Shift(22 * 60, 6 * 60, weekdays=(4,))
"""Of Fridays, into the Saturday; 2026-01-02 is a Friday."""


@pytest.mark.parametrize(
    ("when", "on"),
    [
        ("2026-01-02 21:59:59", False),
        ("2026-01-02 22:00", True),
        ("2026-01-03 05:59:59", True),
        ("2026-01-03 06:00", False),
        ("2026-01-02 05:00", False),
        ("2026-01-03 22:30", False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(when: str, on: bool) -> None:
    assert is_on_duty(NIGHT, at_wall(when)) is on


def test_the_hours_are_those_of_the_place() -> None:
    morning = Shift(8 * 60, 12 * 60)
    assert is_on_duty(morning, datetime(2026, 1, 1, 3, tzinfo=UTC))
    assert not is_on_duty(morning, datetime(2026, 1, 1, 8, tzinfo=UTC))


def test_it_holds_from_its_first_day_into_the_night_of_its_last() -> None:
    shift = Shift(22 * 60, 6 * 60, since=date(2026, 1, 2), until=date(2026, 1, 3))
    assert not is_on_duty(shift, at_wall("2026-01-02 05:00"))
    assert is_on_duty(shift, at_wall("2026-01-04 05:00"))
    assert not is_on_duty(shift, at_wall("2026-01-04 23:00"))


def test_an_hour_that_comes_twice_belongs_to_the_shift_both_times() -> None:
    shift = Shift(60, 150, BERLIN)  # until 02:30, on the night in which it is 02:30 twice
    assert is_on_duty(shift, at_wall("2026-10-25 02:15", BERLIN, fold=0))
    assert is_on_duty(shift, at_wall("2026-10-25 02:15", BERLIN, fold=1))
    assert not is_on_duty(shift, at_wall("2026-10-25 02:31", BERLIN, fold=1))


def test_a_shift_that_begins_in_an_hour_that_is_left_out_begins_all_the_same() -> None:
    shift = Shift(150, 600, BERLIN)  # from 02:30, on the night in which 02:00 is 03:00
    assert is_on_duty(shift, at_wall("2026-03-29 03:05", BERLIN))
    assert is_on_duty(shift, at_wall("2026-03-29 09:59", BERLIN))


def test_a_whole_day_ends_at_midnight() -> None:
    monday = Shift(0, 1_440, weekdays=(0,))
    assert is_on_duty(monday, at_wall("2026-01-05 00:00"))
    assert is_on_duty(monday, at_wall("2026-01-05 23:59:59"))
    assert not is_on_duty(monday, at_wall("2026-01-06 00:00"))


@given(zones, minutes, minutes, instants)
def test_of_two_shifts_that_hand_over_to_each_other_one_is_always_on(
    zone: str, one: int, other: int, at: datetime
) -> None:
    assert is_on_duty(Shift(one, other, zone), at) or is_on_duty(Shift(other, one, zone), at)


@given(zones, minutes, instants)
def test_a_shift_from_an_hour_to_the_same_hour_is_always_on(zone: str, minute: int, at: datetime) -> None:
    assert is_on_duty(Shift(minute, minute, zone), at)


@given(zones, minutes, st.integers(0, 1_440), st.sets(st.integers(0, 6)), instants)
def test_somebody_on_duty_began_on_one_of_their_days_within_the_last_two(
    zone: str, begin: int, end: int, weekdays: set[int], at: datetime
) -> None:
    if is_on_duty(Shift(begin, end, zone, tuple(weekdays)), at):
        today = at.astimezone(ZoneInfo(zone)).date()
        near = {(today - timedelta(days=days)).weekday() for days in (-1, 0, 1, 2)}
        assert weekdays & near


@given(minutes, st.integers(0, 1_440), instants)
def test_without_turned_clocks_it_is_what_the_clock_says(begin: int, end: int, at: datetime) -> None:
    wall = at.astimezone(ZoneInfo(TASHKENT))
    minute = wall.hour * 60 + wall.minute
    inside = begin <= minute < end if end > begin else minute >= begin or minute < end
    assert is_on_duty(Shift(begin, end), at) is inside


def test_a_zone_that_is_not_known_lets_nobody_sleep() -> None:
    assert find_zone("Asia/Atlantis") is None
    assert find_zone("../../etc/passwd") is None
    assert is_on_duty(Shift(0, 1, "Asia/Atlantis"), datetime(2026, 1, 1, 12, tzinfo=UTC))
