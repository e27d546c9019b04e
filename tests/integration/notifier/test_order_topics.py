"""Orders that need a person on the alert topics, and that calls for help wait for no order."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from broker.client import Connection
from db import notifications, work
from db.models import Notification, Order
from db.session import Database
from db.states import OrderState, Party, WorkStatus
from dispatch.orders import moving, queries
from notifier import relay
from tests.asking import accept, asked_for, make_offer, settle
from tests.builders import NOON, TASHKENT, make_device, make_user, report
from tests.integration.notifier.test_alert_topics import Desk, connection, desk
from tests.ordering import cancel, make_driver, place_order

__all__ = ["connection", "desk"]

SECOND = timedelta(seconds=1)


@pytest.fixture
def order(database: Database) -> Order:
    return place_order(database)


def unassign(database: Database, order: Order) -> None:
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        moving.move(session, held, OrderState.UNASSIGNED, party=Party.HOUSE, by=None, at=NOON)


def tell(database: Database, connection: Connection) -> None:
    settle(database, NOON)
    while relay.turn(database, relay.topic_channels(connection), at=NOON):
        pass


def next_of_order(desk: Desk, order: Order) -> dict[str, Any] | None:
    topic, said = desk.next()
    assert topic == f"mayday/v1/alerts/default/order/{order.uuid}"
    return said


def test_an_order_that_nobody_takes_stands_on_its_topic_until_somebody_does(
    database: Database, connection: Connection, desk: Desk, order: Order
) -> None:
    tell(database, connection)
    unassign(database, order)
    tell(database, connection)
    said = next_of_order(desk, order)
    assert said is not None
    assert {name: said[name] for name in ("order", "number", "state", "service", "lat", "lon", "asked")} == {
        "order": str(order.uuid),
        "number": order.id,
        "state": "unassigned",
        "service": "ride",
        **TASHKENT,
        "asked": 0,
    }
    assert (said["since"], said["address"]) == (NOON.isoformat(), "Amir Temur 15")
    driver = make_driver(database)
    make_offer(database, order, driver)
    tell(database, connection)
    asked = next_of_order(desk, order)
    assert asked is not None
    assert (asked["state"], asked["asked"], asked["since"]) == ("offered", 1, said["since"])
    assert asked["revision"] > said["revision"]
    accept(database, driver)
    tell(database, connection)
    assert next_of_order(desk, order) is None


def test_an_order_that_is_over_leaves_its_topic(
    database: Database, connection: Connection, desk: Desk, order: Order
) -> None:
    unassign(database, order)
    tell(database, connection)
    assert next_of_order(desk, order) is not None
    cancel(database, order)
    tell(database, connection)
    assert next_of_order(desk, order) is None


def test_what_the_broker_may_have_forgotten_of_orders_is_told_again(
    database: Database, connection: Connection, desk: Desk, order: Order
) -> None:
    taken, quiet = place_order(database), place_order(database)
    for each in (order, taken):
        unassign(database, each)
    for each in (taken, quiet):
        driver = make_driver(database)
        make_offer(database, each, driver)
        accept(database, driver)
    tell(database, connection)
    desk.everything()
    before = len(asked_for(database, "order.alert"))
    relay.repeat(database, connection, at=NOON + SECOND)
    assert sorted(asked_for(database, "order.alert")[before:]) == sorted([str(order.uuid), str(taken.uuid)])
    relay.repeat(database, connection, at=NOON + timedelta(minutes=2))
    assert asked_for(database, "order.alert")[before + 2 :] == [str(order.uuid)]


def test_an_alert_is_claimed_before_any_number_of_orders(
    database: Database, connection: Connection, desk: Desk
) -> None:
    for _ in range(30):
        unassign(database, place_order(database))
    settle(database, NOON)
    reported = report(database, make_device(database, make_user(database)), **TASHKENT)
    channels = relay.topic_channels(connection)
    of_orders = {kind for kind in channels if kind.startswith(work.ORDERS)}
    assert of_orders == {"order.alert", "order.offer"}
    relay.turn(database, {kind: channels[kind] for kind in channels.keys() - of_orders}, at=NOON)
    topic, _ = desk.next()
    assert topic == f"mayday/v1/alerts/default/sos/{reported.incident_id}"


def test_messages_of_orders_have_threads_and_a_bell_of_their_own() -> None:
    calls = {kind for kinds, _, bell in relay._MESSENGERS if bell == notifications.MESSAGES for kind in kinds}
    orders = {
        kind for kinds, _, bell in relay._MESSENGERS if bell == notifications.ORDER_MESSAGES for kind in kinds
    }
    assert not any(kind.startswith(work.ORDERS) for kind in calls)
    assert orders == {work.of_orders(kind) for kind in calls - {"nobody"}}


def test_a_flood_of_orders_leaves_what_waits_for_a_call_for_help_untouched(
    database: Database, order: Order
) -> None:
    driver = make_driver(database)
    make_offer(database, order, driver)
    with database.transaction() as session:
        waits = select(func.count()).where(Notification.status == WorkStatus.WAITING)
        claimed = work.claim(session, Notification, at=NOON, of_orders=False)
        assert session.scalar(waits) == 1
    assert claimed == []
