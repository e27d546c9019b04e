"""Who is told what of an order, and that no call for help waits for it."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from db import webhooks
from db.models import Fact, Message, Notification, Order, Timer, User, Webhook
from db.seal import Seal
from db.session import Database
from db.states import OfferState, OrderState, Party, Role, WorkStatus
from dispatch import relay as sos_relay
from dispatch import telling
from dispatch.orders import assigning, moving, queries
from ops.places import CHECKOUT
from tests.asking import accept, asked_for, give_app, make_offer, messages_to, offer_of, settle, told
from tests.builders import NOON, make_device, make_user, report
from tests.ordering import advance, cancel, make_driver, order_of, place_order, release
from tests.servers import eventually
from tests.watchers import make_duty

SECOND = timedelta(seconds=1)
S = OrderState


@pytest.fixture
def customer(database: Database) -> User:
    return make_user(database, name="Nodira Yusupova")


@pytest.fixture
def driver(database: Database) -> User:
    return make_driver(database, name="Rustam Driver")


@pytest.fixture
def order(database: Database, customer: User) -> Order:
    return place_order(database, customer)


def taken(database: Database, order: Order, driver: User) -> None:
    make_offer(database, order, driver, eta_s=290)
    accept(database, driver)
    settle(database, NOON)


def unassign(database: Database, order: Order, at: datetime = NOON) -> None:
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        moving.move(session, held, S.UNASSIGNED, party=Party.HOUSE, by=None, at=at)


def test_a_customer_is_told_who_comes_with_what_and_when(
    database: Database, order: Order, customer: User, driver: User
) -> None:
    taken(database, order, driver)
    [message] = messages_to(database, customer)
    said = telling.read(message).values
    assert (message.text, message.order_id, message.channels) == ("order.coming", order.id, ["sms"])
    assert (said["name"], said["eta"]) == ("Rustam", "290")
    assert said["vehicle"].startswith("White Cobalt 01 A")


def test_a_customer_is_told_of_each_turn_and_of_none_twice(
    database: Database, order: Order, customer: User, driver: User
) -> None:
    taken(database, order, driver)
    advance(database, order, S.ARRIVED)
    settle(database, NOON)
    settle(database, NOON)
    assert told(database, customer) == ["order.coming", "order.arrived"]


def test_what_is_not_true_any_more_is_not_told(
    database: Database, order: Order, customer: User, driver: User
) -> None:
    make_offer(database, order, driver)
    accept(database, driver)
    cancel(database, order)
    settle(database, NOON)
    assert told(database, customer) == []


def test_what_comes_too_late_is_not_told(
    database: Database, order: Order, customer: User, driver: User
) -> None:
    make_offer(database, order, driver)
    accept(database, driver)
    settle(database, NOON + timedelta(minutes=10))
    assert "order.coming" not in told(database, customer)


@pytest.mark.parametrize(
    ("party", "customer_is_told"), [(Party.CUSTOMER, []), (Party.DISPATCHER, ["order.cancelled"])]
)
def test_the_driver_is_told_of_a_cancel_and_the_customer_where_it_was_not_theirs(
    database: Database,
    order: Order,
    customer: User,
    driver: User,
    party: Party,
    customer_is_told: list[str],
) -> None:
    taken(database, order, driver)
    before = len(messages_to(database, customer))
    cancel(database, order, party=party, at=NOON + SECOND)
    settle(database, NOON + SECOND)
    assert told(database, driver) == ["order.off"]
    assert told(database, customer)[before:] == customer_is_told


@pytest.mark.parametrize(
    ("party", "driver_is_told"), [(Party.DRIVER, []), (Party.DISPATCHER, ["order.taken_away"])]
)
def test_a_customer_hears_that_another_is_looked_for(
    database: Database,
    order: Order,
    customer: User,
    driver: User,
    party: Party,
    driver_is_told: list[str],
) -> None:
    taken(database, order, driver)
    release(database, order, party=party)
    settle(database, NOON)
    assert told(database, customer)[-1] == "order.given_back"
    assert told(database, driver) == driver_is_told


def test_a_driver_is_told_what_a_desk_gave_them_by_all_that_is_quick(
    database: Database, order: Order, customer: User, driver: User
) -> None:
    give_app(database, driver)
    with database.transaction() as session:
        assigning.assign(session, queries.by_id(order.id), driver.id, by=customer.id, at=NOON)
    settle(database, NOON)
    [message] = messages_to(database, driver)
    assert (message.text, message.channels) == ("order.given", ["push", "sms"])
    assert told(database, customer) == ["order.coming"]


def test_an_order_that_nobody_takes_is_shown_to_the_desks_until_somebody_does(
    database: Database, order: Order, customer: User, driver: User
) -> None:
    settle(database, NOON)
    assert asked_for(database, "order.alert") == []
    unassign(database, order)
    settle(database, NOON)
    assert told(database, customer) == ["order.unassigned"]
    assert asked_for(database, "order.alert") == [str(order.uuid)]
    taken(database, order, driver)
    assert asked_for(database, "order.alert") == 3 * [str(order.uuid)]  # offered, then accepted
    assert order_of(database, order).unassigned_at is None


def test_who_is_on_duty_is_pushed_to_when_nobody_takes_an_order(database: Database, order: Order) -> None:
    on_duty, off_duty = make_user(database, Role.DISPATCHER), make_user(database, Role.DISPATCHER)
    give_app(database, on_duty, off_duty)
    make_duty(database, on_duty, "00:00", "23:59")
    unassign(database, order)
    settle(database, NOON)
    assert (told(database, on_duty), told(database, off_duty)) == (["order.desk"], [])
    assert messages_to(database, on_duty)[0].channels == ["push"]


def test_a_message_about_an_order_goes_from_channel_to_channel_apart_from_calls(
    database: Database, order: Order, customer: User, driver: User
) -> None:
    give_app(database, customer)
    taken(database, order, driver)
    [message] = messages_to(database, customer)
    assert message.channels == ["push", "sms"]
    assert asked_for(database, "order.push") == [str(message.uuid)]
    while sos_relay.turn(database, at=NOON + timedelta(seconds=11)):
        pass
    assert asked_for(database, "order.sms") == []
    settle(database, NOON + timedelta(seconds=11))
    assert asked_for(database, "order.sms") == [str(message.uuid)]
    with database.transaction() as session:
        telling.confirm(session, message.uuid, via="app", by=customer.id, at=NOON + timedelta(seconds=12))
        waits = select(Timer.kind).where(Timer.subject == message.uuid, Timer.status == WorkStatus.WAITING)
        assert session.scalars(waits).all() == []


@pytest.mark.parametrize("turn", ["arrived", "cancelled", "started"])
def test_what_an_order_has_gone_past_is_not_told_by_the_next_channel(
    database: Database, order: Order, customer: User, driver: User, turn: str
) -> None:
    give_app(database, customer)
    taken(database, order, driver)
    match turn:
        case "arrived":
            advance(database, order, S.ARRIVED, at=NOON + SECOND)
        case "started":
            advance(database, order, S.IN_PROGRESS, at=NOON + SECOND)
        case "cancelled":
            cancel(database, order, at=NOON + SECOND)
    settle(database, NOON + SECOND)
    settle(database, NOON + timedelta(seconds=15))
    told_by_sms = {
        message.text
        for message in messages_to(database, customer)
        if str(message.uuid) in asked_for(database, "order.sms")
    }
    assert told_by_sms == ({"order.arrived"} if turn == "arrived" else set())


def test_who_lost_an_order_hears_so_whoever_has_it_now(
    database: Database, order: Order, driver: User
) -> None:
    give_app(database, driver)
    taken(database, order, driver)
    release(database, order, party=Party.DISPATCHER, at=NOON + SECOND)
    settle(database, NOON + SECOND)
    other = make_driver(database)
    make_offer(database, order, other, at=NOON + 2 * SECOND)
    accept(database, other, at=NOON + 2 * SECOND)
    settle(database, NOON + 2 * SECOND)
    settle(database, NOON + timedelta(seconds=15))
    lost = messages_to(database, driver)[-1]
    assert (lost.text, str(lost.uuid) in asked_for(database, "order.sms")) == ("order.taken_away", True)


def test_neither_process_does_what_is_the_others(database: Database, order: Order, driver: User) -> None:
    make_offer(database, order, driver)
    reported = report(database, make_device(database, make_user(database)))
    late = NOON + timedelta(minutes=1)
    while sos_relay.turn(database, at=late):
        pass
    assert offer_of(database, driver).state == OfferState.OPEN
    with database.transaction() as session:
        waiting = session.scalars(select(Fact.kind).where(Fact.status == WorkStatus.WAITING)).all()
    assert waiting
    assert all(kind.startswith("order.") for kind in waiting)
    report_again = report(database, make_device(database, make_user(database)), at=late)
    settle(database, late)
    assert offer_of(database, driver).state == OfferState.EXPIRED
    with database.transaction() as session:
        waiting = session.scalars(select(Fact.kind).where(Fact.status == WorkStatus.WAITING)).all()
    assert set(waiting) == {"sos.opened"}
    assert reported.incident_id != report_again.incident_id


def test_other_systems_hear_of_orders_in_the_words_of_the_moment(
    database: Database, order: Order, customer: User, driver: User
) -> None:
    seal = Seal("0" * 64)
    with database.transaction() as session:
        session.add(
            Webhook(
                url="https://example.org/",
                events=["order.accepted"],
                sealed_secret=webhooks.close(seal, webhooks.new_secret()),
            )
        )
    taken(database, order, driver)
    with database.transaction() as session:
        [said] = session.scalars(select(Notification).where(Notification.kind == "order.webhook"))
    data = said.payload["data"]
    assert said.payload["type"] == "order.accepted"
    assert (data["id"], data["number"], data["state"]) == (str(order.uuid), order.id, "accepted")
    assert data["driver"] == {"uuid": str(driver.uuid), "full_name": "Rustam Driver"}
    assert data["customer"] == {"uuid": str(customer.uuid), "full_name": "Nodira Yusupova"}
    assert data["vehicle"]["name"] == "White Cobalt"
    assert (data["price"], data["currency"]) == (order.price, "UZS")


def test_the_process_of_orders_notices_a_deadline_by_itself(database: Database) -> None:
    now = datetime.now(UTC)
    driver = make_driver(database, at=now)
    order = place_order(database, at=now)
    make_offer(database, order, driver, at=now - timedelta(seconds=29))
    command = [sys.executable, "-m", "dispatch.orders.relay"]
    environment = os.environ | {"MAYDAY_DATABASE_URL": database.url, "MAYDAY_SECRET": "a secret of the tests"}
    with subprocess.Popen(command, env=environment, cwd=CHECKOUT, stdout=subprocess.DEVNULL) as process:
        try:
            eventually(
                lambda: offer_of(database, driver).state == OfferState.EXPIRED, "the deadline to be noticed"
            )
        finally:
            process.terminate()


def test_messages_of_an_order_go_with_it(database: Database, order: Order, driver: User) -> None:
    taken(database, order, driver)
    with database.transaction() as session:
        session.delete(session.get_one(Order, order.id))
    with database.transaction() as session:
        assert session.scalars(select(Message)).all() == []
