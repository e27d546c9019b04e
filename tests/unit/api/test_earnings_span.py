"""Which days are added up."""

from datetime import UTC, date, datetime, timedelta

import pytest

from api.fleet.schemas import EarningsFilter

NIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)
"""Already the third of March in Tashkent."""


@pytest.mark.parametrize(
    ("said", "since", "until"),
    [
        ({}, date(2026, 2, 24), date(2026, 3, 3)),
        ({"timezone": "Asia/Tashkent"}, date(2026, 2, 25), date(2026, 3, 4)),
        ({"by": "week"}, date(2026, 1, 6), date(2026, 3, 3)),
        ({"since": "2026-03-01"}, date(2026, 3, 1), date(2026, 3, 3)),
        ({"until": "2026-02-01"}, date(2026, 1, 25), date(2026, 2, 1)),
    ],
)
def test_without_days_it_is_the_last_week_by_the_clock_that_is_named(
    said: dict[str, str], since: date, until: date
) -> None:
    assert EarningsFilter.model_validate(said).span(at=NIGHT) == (since, until)


def test_no_more_than_a_year_is_added_up() -> None:
    since, until = EarningsFilter.model_validate({"since": "2001-01-01"}).span(at=NIGHT)
    assert until - since == timedelta(days=366)
