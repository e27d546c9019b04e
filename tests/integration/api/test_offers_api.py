"""What a driver is asked over HTTP, and answers; for a desk, who was asked."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from db.models import Order, OrderOffer, User
from db.session import Database
from db.states import OrderState, Role
from dispatch.orders import rules
from tests.asking import make_offer
from tests.builders import TASHKENT, make_user
from tests.integration.api.speaking import Api
from tests.maps import make_region
from tests.ordering import advance, make_driver, order_of, place_order


@pytest.fixture
def customer(database: Database) -> User:
    return make_user(database, name="Nodira Yusupova")


@pytest.fixture
def driver(database: Database) -> User:
    return make_driver(database, at=now())


@pytest.fixture
def order(database: Database, customer: User) -> Order:
    return place_order(database, customer, at=now(), at_once=2, notes="third floor")


def now() -> datetime:
    return datetime.now(UTC)


def asked(database: Database, order: Order, driver: User) -> OrderOffer:
    offer = make_offer(database, order, driver, at=now())
    assert offer is not None
    return offer


def answer(api: Api, driver: User, offer: OrderOffer, verb: str, **said: Any) -> Any:
    return api.post(f"/api/v1/offers/{offer.uuid}/{verb}/", driver, **said)


def test_a_driver_sees_what_is_asked_and_of_nobody_who_it_is_for(
    api: Api, database: Database, driver: User, order: Order, customer: User
) -> None:
    offer = asked(database, order, driver)
    found = api.get("/api/v1/offers/?open=true", driver)
    assert found.status_code == 200
    [shown] = found.json()["items"]
    assert (shown["uuid"], shown["id"], shown["state"]) == (str(offer.uuid), f"o{offer.id}", "open")
    assert datetime.fromisoformat(shown["until_at"]) == offer.until_at
    wanted = shown["order"]
    assert (wanted["id"], wanted["price"]["total"]) == (order.id, order.price)
    assert wanted["pickup"] == {"lat": 41.31, "lon": 69.24, "address": "", "exact": False}
    assert (wanted["contact"], wanted["customer"], wanted["notes"]) == (None, None, "")
    for secret in (customer.phone or "", "Nodira", "third floor", "Amir Temur"):
        assert secret not in found.text


def test_who_takes_it_is_told_whom_to_ask_for_and_where(
    api: Api, database: Database, driver: User, order: Order, customer: User
) -> None:
    taken = answer(api, driver, asked(database, order, driver), "accept")
    assert taken.status_code == 200, taken.text
    shown = taken.json()
    assert (shown["state"], shown["answered_via"]) == ("accepted", "http")
    assert shown["order"]["pickup"] == TASHKENT | {"address": "Amir Temur 15", "exact": True}
    assert shown["order"]["contact"] == {"name": "Nodira", "phone": customer.phone}
    assert order_of(database, order).driver_id == driver.id


def test_who_is_second_is_told_that_it_is_taken(
    api: Api, database: Database, driver: User, order: Order
) -> None:
    other = make_driver(database, at=now())
    first, second = asked(database, order, driver), asked(database, order, other)
    answer(api, driver, first, "accept")
    late = answer(api, other, second, "accept")
    assert (late.status_code, late.json()["code"]) == (409, "taken")
    [shown] = api.get("/api/v1/offers/", other).json()["items"]
    assert (shown["state"], shown["why"], shown["order"]["state"]) == ("withdrawn", "accepted", "accepted")
    assert (shown["order"]["driver"], shown["order"]["coming"]) == (None, None)
    assert api.get("/api/v1/offers/?open=true", other).json()["items"] == []


def test_who_is_late_is_told_that_the_time_is_over(
    api: Api, database: Database, driver: User, order: Order
) -> None:
    offer = asked(database, order, driver)
    api.later(seconds=rules.ANSWER_WITHIN.total_seconds())
    late = answer(api, driver, offer, "accept")
    assert (late.status_code, late.json()["code"]) == (409, "expired")


def test_a_no_may_say_why_and_the_desk_reads_it(
    api: Api, database: Database, driver: User, order: Order
) -> None:
    desk = make_user(database, Role.DISPATCHER)
    offer = asked(database, order, driver)
    said = answer(api, driver, offer, "decline", json={"why": "flat tyre"})
    assert (said.status_code, said.json()["state"]) == (200, "declined")
    assert answer(api, driver, offer, "decline").status_code == 200
    [shown] = api.get(f"/api/v1/orders/{order.id}/offers/", desk).json()["items"]
    assert (shown["state"], shown["why"], shown["driver"]["uuid"]) == (
        *("declined", "flat tyre"),
        str(driver.uuid),
    )
    assert (shown["score"], shown["terms"]) == (240.0, {"eta_s": 240})


def test_an_answer_that_cannot_be_understood_changes_nothing(
    api: Api, database: Database, driver: User, order: Order
) -> None:
    offer = asked(database, order, driver)
    for wrong in ({"why": 7}, {"because": "no"}, {"why": "\0"}, {"why": "x" * 501}):
        assert answer(api, driver, offer, "decline", json=wrong).status_code == 422
    assert answer(api, driver, offer, "accept").status_code == 200
    assert api.post(f"/api/v1/offers/{uuid4()}/accept/", driver).status_code == 404
    assert api.post("/api/v1/offers/o42/accept/", driver).status_code == 422


def test_a_desk_sees_who_was_asked_in_its_own_regions(
    api: Api, database: Database, driver: User, order: Order
) -> None:
    region = make_region(database, "there")
    with database.transaction() as session:
        session.get_one(Order, order.id).region = region
    asked(database, order, driver)
    desk = make_user(database, Role.DISPATCHER)
    path = f"/api/v1/orders/{order.id}/offers/"
    assert len(api.get(path, desk).json()["items"]) == 1
    with database.transaction() as session:
        session.get_one(User, desk.id).alert_regions = ["elsewhere"]
    assert api.get(path, desk).status_code == 404
    assert api.get(path, driver).status_code == 403


def test_an_offer_that_is_over_stays_in_the_list_with_what_became_of_it(
    api: Api, database: Database, driver: User, order: Order
) -> None:
    offer = asked(database, order, driver)
    answer(api, driver, offer, "accept")
    advance(database, order, OrderState.COMPLETED, at=now())
    again = make_offer(database, place_order(database, at=now()), driver, at=now() + timedelta(seconds=1))
    assert again is not None
    items = api.get("/api/v1/offers/", driver).json()["items"]
    assert [item["uuid"] for item in items] == [str(again.uuid), str(offer.uuid)]
    assert (items[1]["state"], items[1]["order"]["state"]) == ("accepted", "completed")
    assert api.get(f"/api/v1/offers/{offer.uuid}/", driver).json() == items[1]
    assert api.get(f"/api/v1/offers/{offer.uuid}/", make_driver(database)).status_code == 404
