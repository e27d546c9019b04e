from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.clock import AHEAD, OLDEST_BUFFERED, Clock, read_time, resolve_time

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
A_MINUTE_AGO = NOON - timedelta(minutes=1)
SECONDS = int(A_MINUTE_AGO.timestamp())


@pytest.mark.parametrize(
    "ts",
    [
        SECONDS,
        float(SECONDS),
        SECONDS * 1000,
        str(SECONDS),
        f" {SECONDS * 1000} ",
        "2026-01-01T11:59:00Z",
        "2026-01-01T11:59:00+00:00",
        "2026-01-01 11:59:00",
        "2026-01-01T16:59:00+05:00",
        "20260101T115900Z",
    ],
)
def test_a_time_is_read_however_the_device_writes_it(ts: object) -> None:
    assert resolve_time(ts, None, NOON) == (A_MINUTE_AGO, Clock.DEVICE)


def test_a_frame_without_a_time_is_stored_under_its_arrival() -> None:
    assert resolve_time(None, None, NOON) == (NOON, Clock.ARRIVAL)


def test_a_device_without_a_clock_says_how_old_a_frame_is() -> None:
    assert resolve_time(None, 60, NOON) == (A_MINUTE_AGO, Clock.AGE)


def test_an_age_helps_out_where_the_clock_is_mad() -> None:
    assert resolve_time(946_684_800, 60, NOON) == (A_MINUTE_AGO, Clock.AGE)


@pytest.mark.parametrize(
    "ts",
    [
        946_684_800,  # 2000-01-01, a clock that was never set
        0,
        -1,
        NOON.timestamp() + 301,
        NOON.timestamp() - 2 * 86_400 - 1,
        float("nan"),
        float("inf"),
        10**400,
        True,
        "yesterday",
        "",
        "9999-12-31T23:59:59-14:00",
        {},
        [],
        b"1",
    ],
)
def test_an_impossible_time_is_marked_and_arrival_taken(ts: object) -> None:
    assert resolve_time(ts, None, NOON) == (NOON, Clock.MAD)


def test_the_bounds_themselves_are_believed() -> None:
    for at in (NOON + timedelta(minutes=5), NOON - timedelta(days=2)):
        assert resolve_time(at.timestamp(), None, NOON) == (at, Clock.DEVICE)


def test_a_buffered_batch_may_be_older() -> None:
    week_ago = NOON - timedelta(days=7)
    assert resolve_time(week_ago.timestamp(), None, NOON) == (NOON, Clock.MAD)
    assert resolve_time(week_ago.timestamp(), None, NOON, buffered=True) == (week_ago, Clock.DEVICE)
    assert resolve_time(None, 7 * 86_400, NOON, buffered=True) == (week_ago, Clock.AGE)


@pytest.mark.parametrize("age", [-1, 3 * 86_400])
def test_an_age_beyond_the_bounds_is_not_believed(age: float) -> None:
    assert resolve_time(None, age, NOON) == (NOON, Clock.MAD)


ANYTHING: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes()
)


@given(ANYTHING, st.none() | st.floats(), st.booleans())
def test_no_device_can_make_a_time_outside_the_bounds(ts: Any, age: float | None, buffered: bool) -> None:
    at, _ = resolve_time(ts, age, NOON, buffered=buffered)
    assert NOON - OLDEST_BUFFERED <= at <= NOON + AHEAD
    assert at.tzinfo is UTC


@given(ANYTHING)
def test_reading_a_time_never_raises(ts: Any) -> None:
    said = read_time(ts)
    assert said is None or said.tzinfo is not None
