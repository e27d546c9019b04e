"""Drivers on the way who are not heard of any more, on a real database."""

from datetime import datetime, timedelta

import pytest

from db.models import Order, User
from db.session import Database
from db.states import OrderState, Party
from dispatch.orders import rules
from tests.asking import accept, give_app, make_offer, settle, told
from tests.builders import NOON, make_user
from tests.ordering import advance, drive, events_of, log_call, make_driver, order_of, place_order

SECOND = timedelta(seconds=1)
S = OrderState
NUDGED = NOON + rules.SILENT
RELEASED = NUDGED + rules.SIGN_WITHIN


@pytest.fixture
def customer(database: Database) -> User:
    return make_user(database, name="Nodira Yusupova")


@pytest.fixture
def driver(database: Database) -> User:
    driver = make_driver(database)
    give_app(database, driver)
    return driver


@pytest.fixture
def order(database: Database, customer: User, driver: User) -> Order:
    order = place_order(database, customer)
    make_offer(database, order, driver)
    accept(database, driver)
    return order


def kinds(database: Database, order: Order) -> list[str]:
    return [event.kind for event in events_of(database, order)][3:]


def look(database: Database, *moments: datetime) -> None:
    for at in moments:
        settle(database, at)


def test_who_is_silent_for_three_minutes_is_asked_for_a_sign(
    database: Database, order: Order, driver: User
) -> None:
    look(database, NUDGED - SECOND)
    assert kinds(database, order) == []
    look(database, NUDGED, NUDGED + SECOND)
    assert kinds(database, order) == ["driver_silent"]
    assert told(database, driver) == ["order.offer", "order.nudge"]
    assert order_of(database, order).state == S.ACCEPTED


def test_without_a_sign_another_driver_is_looked_for_and_both_are_told(
    database: Database, order: Order, driver: User, customer: User
) -> None:
    look(database, NUDGED, RELEASED - SECOND)
    assert order_of(database, order).driver_id == driver.id
    look(database, RELEASED)
    now = order_of(database, order)
    assert (now.state, now.driver_id, now.nudged_at) == (S.REQUESTED, None, None)
    event = events_of(database, order)[-1]
    assert (event.kind, event.party, event.detail["why"]) == ("given_back", Party.HOUSE, "silent")
    assert told(database, customer)[-1] == "order.given_back"
    assert told(database, driver)[-1] == "order.taken_away"


@pytest.mark.parametrize("sign", ["a place", "a step", "a call"])
def test_any_sign_keeps_the_order_theirs(database: Database, order: Order, driver: User, sign: str) -> None:
    look(database, NUDGED)
    at = NUDGED + 30 * SECOND
    match sign:
        case "a place":
            drive(database, driver, 200.0, at=at)
        case "a step":
            advance(database, order, S.EN_ROUTE, at=at)
        case "a call":
            log_call(database, order, at=at)
    look(database, RELEASED, at + rules.SILENT - SECOND)
    assert order_of(database, order).driver_id == driver.id
    look(database, at + rules.SILENT)
    assert kinds(database, order).count("driver_silent") == 2  # asked anew, with time anew
    look(database, at + rules.SILENT + rules.SIGN_WITHIN - SECOND)
    assert order_of(database, order).driver_id == driver.id


def test_who_is_there_need_not_be_heard_of(database: Database, order: Order) -> None:
    advance(database, order, S.ARRIVED)
    look(database, NUDGED, RELEASED, RELEASED + rules.SILENT)
    assert order_of(database, order).state == S.ARRIVED
    assert "driver_silent" not in kinds(database, order)


def test_a_driver_whose_place_was_never_known_has_as_long(database: Database, customer: User) -> None:
    unseen, order = make_driver(database, metres=None), place_order(database, customer)
    make_offer(database, order, unseen)
    accept(database, unseen)
    look(database, NUDGED - SECOND)
    assert order_of(database, order).nudged_at is None
    look(database, NUDGED)
    assert order_of(database, order).nudged_at == NUDGED
