"""Who may be on a shift, and when one is over."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.fleet import rules
from dispatch.fleet.rules import FORGOTTEN, Ended, LicenceExpired
from dispatch.matching.driver_rules import licence_expired
from tests.builders import NOON

TODAY = NOON.date()
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("expires_on", "expired"), [(None, False), (TODAY + DAY, False), (TODAY, False), (TODAY - DAY, True)]
)
def test_a_licence_is_good_until_the_end_of_the_day_it_names(expires_on: date | None, expired: bool) -> None:
    assert licence_expired(expires_on, at=NOON) is expired


def test_an_expired_licence_is_refused_with_the_day_and_what_to_do() -> None:
    with pytest.raises(LicenceExpired, match=f"on {TODAY - DAY}; enter the new one"):
        rules.check_licence(TODAY - DAY, at=NOON)
    rules.check_licence(TODAY, at=NOON)
    rules.check_licence(None, at=NOON)


def test_who_has_to_renew_is_told_two_weeks_before() -> None:
    assert rules.expires_soon(TODAY + 14 * DAY, at=NOON)
    assert not rules.expires_soon(TODAY + 15 * DAY, at=NOON)
    assert not rules.expires_soon(None, at=NOON)


@pytest.mark.parametrize(
    ("expires_on", "silent", "has_order", "why"),
    [
        (TODAY + DAY, FORGOTTEN, False, None),
        (TODAY + DAY, FORGOTTEN + SECOND, False, Ended.FORGOTTEN),
        (TODAY + DAY, FORGOTTEN + SECOND, True, None),
        (TODAY - DAY, timedelta(0), False, Ended.LICENCE_EXPIRED),
        (TODAY - DAY, timedelta(0), True, Ended.LICENCE_EXPIRED),
        (TODAY - DAY, FORGOTTEN + SECOND, False, Ended.LICENCE_EXPIRED),
        (None, timedelta(0), False, None),
    ],
)
def test_a_shift_is_over_without_a_licence_and_when_it_was_forgotten(
    expires_on: date | None, silent: timedelta, has_order: bool, why: Ended | None
) -> None:
    found = rules.find_lapse(expires_on=expires_on, last_sign_at=NOON - silent, has_order=has_order, at=NOON)
    assert found is why


@given(MOMENTS, MOMENTS, MOMENTS, st.lists(MOMENTS, min_size=1, max_size=4))
def test_the_hours_of_a_shift_are_parted_by_any_edges_and_lost_by_none(
    one: datetime, other: datetime, third: datetime, cuts: list[datetime]
) -> None:
    started, ended = sorted((one, other))
    edges = sorted((min(started, third), *cuts, max(ended, third)))
    parts = [
        rules.hours_within(started, ended, since=since, until=until)
        for since, until in itertools.pairwise(edges)
    ]
    assert all(part >= 0 for part in parts)
    assert sum(parts) == pytest.approx((ended - started).total_seconds() / 3_600)


def test_a_shift_that_goes_on_counts_until_now() -> None:
    assert rules.hours_within(NOON - 2 * DAY, None, since=NOON - DAY, until=NOON) == 24
    assert rules.hours_within(NOON, None, since=NOON - DAY, until=NOON) == 0
