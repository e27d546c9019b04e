"""A day as it was, read from a real database, and lived again."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from db.models import Order, OrderOffer, Position, Shift, User
from db.session import Database
from db.states import Clock, OfferState, OrderState, Service
from dispatch.matching.driver_scoring import Policy
from dispatch.replay import history
from dispatch.replay.history import ENOUGH, Recorded
from dispatch.replay.simulation import USUAL_BUSY_S, Habits, run
from ops.cli import app
from ops.trouble import Trouble
from tests.builders import NOON, TASHKENT
from tests.helping import make_phone
from tests.maps import METRE
from tests.ordering import advance, assign, cancel, make_driver, place_order

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MIDNIGHT = NOON - 12 * HOUR


def read(database: Database) -> Recorded:
    with database.transaction() as session:
        return history.read_day(session, since=MIDNIGHT, until=MIDNIGHT + 24 * HOUR)


def serve(database: Database, order: Order, driver: User, *, busy: timedelta) -> None:
    """From the desk's word to the end; the driver is there after ten minutes."""
    arrived_at = order.requested_at + 10 * MINUTE
    assign(database, order, driver, at=order.requested_at)
    advance(database, order, OrderState.ARRIVED, at=arrived_at)
    advance(database, order, OrderState.COMPLETED, at=arrived_at + busy)


def test_an_order_is_wanted_as_it_was_and_takes_as_long_as_it_took(database: Database) -> None:
    driver = make_driver(database)
    done = place_order(database)
    serve(database, done, driver, busy=25 * MINUTE)
    cancel(database, place_order(database, at=NOON + HOUR), at=NOON + HOUR)
    place_order(database, service=Service.REPAIR, at=NOON + 2 * HOUR, dropoff_lat=None, dropoff_lon=None)
    place_order(database, at=NOON + 13 * HOUR)
    served, given_up, mended = read(database).day.orders
    assert (served.at_s, served.busy_s) == (12 * 3_600, 25 * 60)
    assert served.place == (TASHKENT["lat"], TASHKENT["lon"])
    assert served.ends_at == (done.dropoff_lat, done.dropoff_lon)
    assert given_up.busy_s == 25 * 60, "the median of the same service"
    assert (mended.busy_s, mended.ends_at) == (USUAL_BUSY_S[Service.REPAIR], mended.place)
    assert mended.demand.service == "repair"


def test_who_drove_is_there_in_their_shifts_from_where_they_were_first_seen(database: Database) -> None:
    with_phone, picked_up, last_known, unknown = (
        make_driver(database, at=NOON - 2 * HOUR, metres=metres) for metres in (0, 0, 700, None)
    )
    make_driver(database, online=False)
    phone = make_phone(database, with_phone, "a-phone")
    seen = {"device_id": phone.id, "clock": Clock.DEVICE, "lon": TASHKENT["lon"]}
    with database.transaction() as session:
        for hour, lat in ((-20, 41.1), (-1, 41.5), (0, 41.6)):
            at = NOON + hour * HOUR
            session.add(Position(at=at, received_at=at, seq=hour, lat=lat, **seen))
        session.execute(
            update(Shift)
            .where(Shift.driver_id == last_known.id)
            .values(started_at=NOON - 20 * HOUR, ended_at=NOON + HOUR, why_ended="tired")
        )
    serve(database, place_order(database, lat=41.4, lon=69.3), picked_up, busy=MINUTE)
    found = read(database)
    assert found.drivers_without_a_place == 1
    first, second, third = found.day.drivers
    assert first.place == (41.5, TASHKENT["lon"])
    assert second.place == (41.4, 69.3)
    assert third.place == pytest.approx((TASHKENT["lat"] + 700 * METRE, TASHKENT["lon"]))
    assert third.shifts == ((0.0, 13 * 3_600.0),)
    assert first.shifts[0][0] == 10 * 3_600
    assert first.shifts[0][1] > 24 * 3_600
    assert "ride" in first.ability.services
    assert unknown.id


def test_drivers_answer_as_they_did_where_enough_is_known(database: Database) -> None:
    driver, order = make_driver(database), place_order(database)

    def answer(state: OfferState, times: int, after_s: float) -> None:
        said = {"order_id": order.id, "driver_id": driver.id, "state": state, "terms": {}}
        with database.transaction() as session:
            for _ in range(times):
                answered_at = NOON + timedelta(seconds=after_s)
                session.add(
                    OrderOffer(offered_at=NOON, until_at=NOON + MINUTE, answered_at=answered_at, **said)
                )

    answer(OfferState.ACCEPTED, ENOUGH // 2, 4)
    assert read(database).day.habits == Habits()
    answer(OfferState.DECLINED, ENOUGH // 4, 10)
    answer(OfferState.EXPIRED, ENOUGH // 4, 30)
    answer(OfferState.WITHDRAWN, 50, 1)
    habits = read(database).day.habits
    assert (habits.accept, habits.silent) == (0.5, 0.25)
    assert habits.answer_s == pytest.approx(6)


def test_a_recorded_day_is_lived_again(database: Database) -> None:
    people = [make_driver(database, at=NOON - HOUR, metres=100 * number) for number in range(3)]
    for number in range(6):
        order = place_order(database, at=NOON + number * 5 * MINUTE)
        if number < len(people):
            serve(database, order, people[number], busy=5 * MINUTE)
    done = run(read(database).day, Policy())
    assert all(course.arrived_s is not None for course in done.courses)
    assert sum(done.taken) == 6


def replay(*words: str) -> str:
    done = CliRunner().invoke(app, ["replay", *words], env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done.output


def test_the_day_of_a_stack_is_told_and_drawn(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAYDAY_DATABASE_URL", database.url)
    drawn = tmp_path / "day.svg"
    with pytest.raises(Trouble) as told:
        replay("--day", f"{NOON:%Y-%m-%d}", "--output", str(drawn))
    assert "there are no orders from 2026-01-01 00:00" in str(told.value)
    make_driver(database, at=NOON - HOUR)
    make_driver(database, at=NOON - HOUR, metres=None)
    place_order(database)
    said = replay("--day", f"{NOON:%Y-%m-%d}", "--output", str(drawn), "--window", "20")
    assert "1 drivers left out" in said
    for column in ("greedy", "batch of 20 s", "as set now"):
        assert column in said
    assert drawn.read_text(encoding="utf-8").startswith("<?xml")
