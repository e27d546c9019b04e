"""What an order costs: whole minor units, of which every one is accounted for."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.states import OrderState, Party
from dispatch.orders import pricing
from dispatch.orders.pricing import FREE_CANCEL, Addon, Line, LineKind, Quote, Rates

DAY = datetime(2026, 1, 1, 7, tzinfo=UTC)  # noon in Tashkent
NIGHT = datetime(2026, 1, 1, 20, tzinfo=UTC)  # one o'clock there

money = st.integers(0, 10**10)
pcts = st.integers(0, 100)


USUAL: dict[str, Any] = {
    "tariff_id": 1,
    "service": "tow",
    "vehicle_type": "car",
    "vehicle_name": "Car",
    "currency": "UZS",
    "callout": 2_000_000,
    "minimum": 1_000_000,
    "included_m": 2_000,
    "per_km": 250_000,
    "night_pct": 130,
    "night_from": time(22),
    "night_until": time(6),
    "timezone": "Asia/Tashkent",
    "free_wait_s": 180,
    "per_wait_min": 50_000,
    "cancel_pct": 50,
    "no_show_pct": 80,
}


def rates(**said: Any) -> Rates:
    return Rates(**USUAL | said)


all_rates = st.builds(
    rates,
    callout=money,
    minimum=money,
    included_m=st.integers(0, 50_000),
    per_km=money,
    night_pct=st.integers(100, 500),
    night_from=st.times(),
    night_until=st.times(),
    free_wait_s=st.integers(0, 3_600),
    per_wait_min=money,
    cancel_pct=pcts,
    no_show_pct=pcts,
)
addons = st.lists(st.builds(Addon, slug=st.just("winch"), name=st.just("Winch"), price=money), max_size=3)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ways = st.integers(0, 1_000_000)


def kinds(lines: tuple[Line, ...] | list[Line]) -> dict[LineKind, int]:
    return {line.kind: line.amount for line in lines}


def test_a_short_way_by_day_costs_coming_out_alone() -> None:
    quote = pricing.quote(rates(), distance_m=2_000, at=DAY)
    assert kinds(quote.lines) == {LineKind.CALLOUT: 2_000_000}
    assert quote.total == 2_000_000


def test_each_metre_beyond_those_included_is_paid() -> None:
    quote = pricing.quote(rates(), distance_m=7_500, at=DAY)
    assert kinds(quote.lines)[LineKind.DISTANCE] == 5_500 * 250_000 // 1_000
    assert quote.total == 3_375_000


def test_by_night_coming_out_and_the_way_are_dearer_and_addons_are_not() -> None:
    quote = pricing.quote(rates(), distance_m=6_000, addons=[Addon("winch", "Winch", 700)], at=NIGHT)
    assert kinds(quote.lines)[LineKind.NIGHT] == 900_000
    assert quote.total == 3_900_000 + 700


def test_what_is_missing_to_the_minimum_is_a_line_and_addons_do_not_count_towards_it() -> None:
    quote = pricing.quote(
        rates(callout=300_000), distance_m=0, addons=[Addon("winch", "Winch", 900_000)], at=DAY
    )
    assert kinds(quote.lines)[LineKind.MINIMUM] == 700_000
    assert quote.total == 1_900_000


def test_half_a_minor_unit_is_rounded_up() -> None:
    quote = pricing.quote(rates(callout=5, minimum=0, night_pct=110), distance_m=0, at=NIGHT)
    assert kinds(quote.lines)[LineKind.NIGHT] == 1


@given(all_rates, ways, addons, moments)
def test_the_lines_of_a_quote_add_up_to_its_total_as_the_formula_says(
    rates: Rates, distance_m: int, addons: list[Addon], at: datetime
) -> None:
    quote = pricing.quote(rates, distance_m=distance_m, addons=addons, at=at)
    assert sum(line.amount for line in quote.lines) == quote.total
    assert all(isinstance(line.amount, int) and line.amount >= 0 for line in quote.lines)
    night = rates.night_pct / 100 if pricing.is_night(rates, at) else 1
    beyond_km = max(0, distance_m - rates.included_m) / 1_000
    by_formula = max(rates.minimum, (rates.callout + beyond_km * rates.per_km) * night)
    by_formula += sum(addon.price for addon in addons)
    # Each of the two lines that are divided is rounded once.
    assert quote.total == pytest.approx(by_formula, rel=1e-12, abs=3 * night)


@given(all_rates, ways, ways, moments)
def test_a_longer_way_never_costs_less(rates: Rates, one: int, other: int, at: datetime) -> None:
    shorter, longer = sorted((one, other))
    cheaper = pricing.quote(rates, distance_m=shorter, at=at).total
    assert cheaper <= pricing.quote(rates, distance_m=longer, at=at).total


@given(all_rates, ways, addons, moments)
def test_an_order_keeps_a_quote_whole(rates: Rates, way_m: int, addons: list[Addon], at: datetime) -> None:
    quote = pricing.quote(rates, distance_m=way_m, addons=addons, at=at)
    assert Quote.thawed(quote.frozen()) == quote


@pytest.mark.parametrize(
    ("clock", "is_night"),
    [("21:59", False), ("22:00", True), ("00:00", True), ("05:59", True), ("06:00", False)],
)
def test_night_is_told_by_the_clocks_of_the_tariff_and_goes_on_past_midnight(
    clock: str, is_night: bool
) -> None:
    there = datetime.fromisoformat(f"2026-07-01T{clock}:00+05:00")
    assert pricing.is_night(rates(), there.astimezone(UTC)) is is_night


def test_where_clocks_are_turned_night_follows_them() -> None:
    in_paris = rates(timezone="Europe/Paris")
    assert not pricing.is_night(in_paris, datetime(2026, 1, 1, 20, 30, tzinfo=UTC))
    assert pricing.is_night(in_paris, datetime(2026, 7, 1, 20, 30, tzinfo=UTC))


def test_a_night_without_an_hour_is_none() -> None:
    never = rates(night_from=time(0), night_until=time(0))
    assert not any(pricing.is_night(never, DAY + timedelta(hours=hour)) for hour in range(24))


@pytest.mark.parametrize(
    ("waited_s", "minutes"), [(0, None), (180, None), (181, 1), (240, 1), (240.5, 2), (600, 7)]
)
def test_each_minute_of_waiting_that_was_begun_is_paid_beyond_those_that_are_free(
    waited_s: float, minutes: int | None
) -> None:
    line = pricing.wait(rates(), waited=timedelta(seconds=waited_s))
    assert (line and (line.quantity, line.amount)) == (minutes and (minutes, minutes * 50_000))


def test_cancelling_is_free_before_anybody_accepted_and_two_minutes_after() -> None:
    late = DAY + timedelta(hours=1)
    assert pricing.cancel_fee(rates(), fault=Party.CUSTOMER, accepted_at=None, at=late) == 0
    in_time = DAY + FREE_CANCEL
    assert pricing.cancel_fee(rates(), fault=Party.CUSTOMER, accepted_at=DAY, at=in_time) == 0
    too_late = in_time + timedelta(seconds=1)
    assert pricing.cancel_fee(rates(), fault=Party.CUSTOMER, accepted_at=DAY, at=too_late) == 1_000_000


@pytest.mark.parametrize("fault", [Party.DRIVER, Party.HOUSE, Party.DISPATCHER, None])
def test_a_cancel_that_is_not_the_customers_fault_is_free(fault: Party | None) -> None:
    late = DAY + timedelta(hours=1)
    assert pricing.cancel_fee(rates(), fault=fault, accepted_at=DAY, at=late) == 0


@given(all_rates, ways, addons, moments, st.timedeltas(timedelta(0), timedelta(hours=3)))
def test_a_bill_adds_up_to_what_was_agreed_on_and_what_was_waited(
    rates: Rates, way_m: int, addons: list[Addon], at: datetime, waited: timedelta
) -> None:
    quote = pricing.quote(rates, distance_m=way_m, addons=addons, at=at)
    line = pricing.wait(rates, waited=waited)
    price = quote.total + (line.amount if line else 0)
    for state in (OrderState.IN_PROGRESS, OrderState.COMPLETED):
        lines = pricing.bill(quote, state, price=price, waited=waited)
        assert sum(line.amount for line in lines) == price


@given(all_rates, st.sampled_from([OrderState.CANCELLED, OrderState.NO_SHOW]))
def test_of_an_order_that_ended_early_the_fee_is_all_that_is_paid(rates: Rates, state: OrderState) -> None:
    quote = pricing.quote(rates, distance_m=9_000, at=DAY)
    [line] = pricing.bill(quote, state, price=700, waited=timedelta(hours=1))
    assert line.amount == 700


@given(all_rates)
def test_no_fee_is_more_than_coming_out(rates: Rates) -> None:
    late = DAY + timedelta(hours=1)
    assert pricing.cancel_fee(rates, fault=Party.CUSTOMER, accepted_at=DAY, at=late) <= rates.callout
    assert pricing.no_show_fee(rates) <= rates.callout
