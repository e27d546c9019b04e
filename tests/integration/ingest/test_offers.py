"""A call for help or an order offered to a phone, and the phone's reply, on real servers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from broker.client import Connection
from broker.topics import Service
from db.models import Delivery, Notification, QuarantinedFrame, User
from db.session import Database
from db.states import CallState, Need, OfferState, OrderState
from notifier import relay as notifier
from tests.asking import accept as take
from tests.asking import make_offer, offer_of
from tests.builders import TASHKENT, make_device, make_user, report
from tests.helping import accept, ask, call_of, make_helper, make_phone
from tests.integration.broker.conftest import Station
from tests.integration.ingest.lanes import Lane, stopped_at_the_end
from tests.integration.ingest.test_telemetry_lane import count
from tests.integration.ingest.watch import Watch
from tests.ordering import make_driver, order_of, place_order
from tests.servers import WAIT_S, Broker, eventually


@pytest.fixture
def lane(database: Database, broker: Broker, tmp_path: Path) -> Iterator[Lane]:
    with stopped_at_the_end(Lane(database, broker, tmp_path)) as lane:
        lane.start()
        yield lane


def now() -> datetime:
    return datetime.now(UTC)


def opened(database: Database) -> UUID:
    wearer = make_user(database, name="Aziza Karimova")
    said: dict[str, Any] = TASHKENT | {"type": "fall"}
    return report(database, make_device(database, wearer), at=now(), **said).incident_id


def new_uid() -> str:
    return f"phone-{now().timestamp()}"


def phone_of(database: Database, broker: Broker, helper: User) -> Watch:
    return Watch(broker, make_phone(database, helper, new_uid()).uid, "reply")


def test_a_helpers_phone_is_offered_a_call_with_its_place_and_deadline(
    database: Database, broker: Broker
) -> None:
    helper = make_helper(database, at=now())
    uids = [make_phone(database, helper, new_uid()).uid for _ in range(2)]
    stations = [Station(broker, uid, broker.add_device(uid)) for uid in uids]
    for uid, station in zip(uids, stations, strict=True):
        station.listen(f"mayday/v1/dev/{uid}/offer")
    ask(database, opened(database), at=now())
    with Connection("notifier-offers", Service.NOTIFIER, broker.settings) as connection:
        connection.wait_connected(WAIT_S)
        while notifier.turn(database, notifier.topic_channels(connection), at=now()):
            pass
    call = call_of(database, helper)
    for station in stations:
        eventually(lambda heard=station.heard: len(heard()) == 1, "the offer")  # type: ignore[misc]
        offer = json.loads(station.heard()[0][1])
        assert (offer["id"], offer["kind"], offer["dist"]) == (f"h{call.id}", "sos", 300)
        assert (offer["lat"], offer["lon"]) == (TASHKENT["lat"], TASHKENT["lon"])
        assert 0 <= offer["until"] - call.until_at.timestamp() < 1
        station.close()


def test_a_phone_says_yes_and_then_no(database: Database, broker: Broker, lane: Lane) -> None:
    helper = make_helper(database, at=now())
    phone = phone_of(database, broker, helper)
    ask(database, opened(database), at=now())
    offer = call_of(database, helper).frame_id
    phone.send({"id": offer, "ok": True, "eta": 240})
    assert phone.answer() == {"id": offer, "ok": True}
    call = call_of(database, helper)
    assert (call.state, call.answered_via, call.eta_s) == (CallState.ACCEPTED, "mqtt", 240)
    phone.send({"id": offer, "ok": False, "why": "flat tyre"})
    assert phone.answer() == {"id": offer, "ok": True}
    call = call_of(database, helper)
    assert (call.state, call.why) == (CallState.WITHDRAWN, "flat tyre")
    phone.close()


def test_a_phone_that_is_too_late_hears_that_it_is_taken_care_of(
    database: Database, broker: Broker, lane: Lane
) -> None:
    helpers = [make_helper(database, metres=100 + number, at=now()) for number in range(3)]
    phone = phone_of(database, broker, helpers[2])
    ask(database, opened(database), at=now())
    for helper in helpers[:2]:
        accept(database, helper, at=now())
    phone.send({"id": call_of(database, helpers[2]).frame_id, "ok": True})
    said = phone.answer()
    assert said["ok"] is False
    assert said["err"].startswith("taken care of")
    assert count(database, QuarantinedFrame) == 0
    phone.close()


def test_a_phone_answers_for_its_owner_alone(database: Database, broker: Broker, lane: Lane) -> None:
    helper, thief = make_helper(database, at=now()), make_user(database)
    phone = phone_of(database, broker, thief)
    ask(database, opened(database), at=now())
    phone.send({"id": call_of(database, helper).frame_id, "ok": True})
    assert phone.answer()["ok"] is False
    assert call_of(database, helper).state == CallState.ALERTED
    assert count(database, QuarantinedFrame) == 1
    phone.close()


def test_the_position_of_a_helpers_phone_is_where_the_helper_is(
    database: Database, broker: Broker, lane: Lane
) -> None:
    helper = make_helper(database, metres=None)
    phone = phone_of(database, broker, helper)
    phone.send(TASHKENT | {"ts": int(now().timestamp()), "id": "p1"}, "pos")
    phone.answer()
    assert ask(database, opened(database), at=now()) == 1
    phone.close()


def tell_offers(database: Database, broker: Broker) -> None:
    with Connection("notifier-offers", Service.NOTIFIER, broker.settings) as connection:
        connection.wait_connected(WAIT_S)
        while notifier.turn(database, notifier.topic_channels(connection), at=now()):
            pass


def test_a_drivers_phone_is_offered_an_order_with_its_area_price_and_deadline(
    database: Database, broker: Broker
) -> None:
    driver, uid = make_driver(database, at=now()), new_uid()
    make_phone(database, driver, uid)
    station = Station(broker, uid, broker.add_device(uid))
    station.listen(f"mayday/v1/dev/{uid}/offer")
    order = place_order(database, at=now(), needs=(Need.LIFT,), seats=2)
    made = make_offer(database, order, driver, at=now(), distance_m=312.4)
    assert made is not None
    tell_offers(database, broker)
    eventually(lambda: len(station.heard()) == 1, "the offer")
    assert json.loads(station.heard()[0][1]) == {
        "id": f"o{made.id}",
        "kind": "order",
        "until": int(made.until_at.timestamp()),
        "lat": 41.31,
        "lon": 69.24,
        "dist": 312,
        "svc": "ride",
        "fee": order.price,
        "cur": "UZS",
        "text": "car, lift, 2 seats",
    }
    station.close()


def test_an_offer_that_somebody_answered_is_not_shown_any_more(database: Database, broker: Broker) -> None:
    driver, uid = make_driver(database, at=now()), new_uid()
    make_phone(database, driver, uid)
    station = Station(broker, uid, broker.add_device(uid))
    station.listen(f"mayday/v1/dev/{uid}/offer")
    make_offer(database, place_order(database, at=now()), driver, at=now())
    take(database, driver, at=now())
    tell_offers(database, broker)
    with database.transaction() as session:
        asked = select(Delivery.ok, Delivery.answer).join(
            Notification, Notification.id == Delivery.notification_id
        )
        said = session.execute(asked.where(Notification.kind == "order.offer")).all()
    assert [tuple(row) for row in said] == [(False, "no phone, or no answer is waited for")]
    assert station.heard() == []
    station.close()


def test_a_drivers_phone_takes_an_order_and_gives_it_back(
    database: Database, broker: Broker, lane: Lane
) -> None:
    driver = make_driver(database, at=now())
    phone, order = phone_of(database, broker, driver), place_order(database, at=now())
    make_offer(database, order, driver, at=now())
    offer = offer_of(database, driver).frame_id
    phone.send({"id": offer, "ok": True})
    assert phone.answer() == {"id": offer, "ok": True}
    assert offer_of(database, driver).answered_via == "mqtt"
    assert order_of(database, order).driver_id == driver.id
    phone.send({"id": offer, "ok": False, "why": "flat tyre"})
    assert phone.answer() == {"id": offer, "ok": True}
    assert order_of(database, order).state == OrderState.REQUESTED
    phone.close()


def test_a_drivers_phone_that_is_second_hears_that_it_is_taken(
    database: Database, broker: Broker, lane: Lane
) -> None:
    first, second = (make_driver(database, at=now()) for _ in range(2))
    phone, order = phone_of(database, broker, second), place_order(database, at=now(), at_once=2)
    for driver in (first, second):
        make_offer(database, order, driver, at=now())
    take(database, first, at=now())
    phone.send({"id": offer_of(database, second).frame_id, "ok": True})
    said = phone.answer()
    assert said["ok"] is False
    assert said["err"].startswith("another driver has this order")
    assert order_of(database, order).driver_id == first.id
    phone.close()


@pytest.mark.parametrize("wrong", ["o", "o0", "o-1", "o1.5", "o99999999999999999999"])
def test_an_answer_to_what_nobody_asked_is_put_aside(
    database: Database, broker: Broker, lane: Lane, wrong: str
) -> None:
    driver, thief = make_driver(database, at=now()), make_driver(database, at=now())
    phone = phone_of(database, broker, thief)
    make_offer(database, place_order(database, at=now()), driver, at=now())
    for name in (wrong, offer_of(database, driver).frame_id):
        phone.send({"id": name, "ok": True})
        assert phone.answer()["ok"] is False
    assert offer_of(database, driver).state == OfferState.OPEN
    assert count(database, QuarantinedFrame) == 2
    phone.close()
