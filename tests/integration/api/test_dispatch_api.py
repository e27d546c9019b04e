"""A desk looks who could come to an order, and gives it away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.models import Driver, Order, User
from db.session import Database
from db.states import Role, Service, UserStatus
from tests.asking import give_app, make_offer
from tests.builders import make_user
from tests.integration.api.speaking import Api
from tests.maps import make_region
from tests.ordering import make_driver, order_of, place_order


@pytest.fixture
def desk(database: Database) -> User:
    return make_user(database, Role.DISPATCHER)


@pytest.fixture
def order(database: Database) -> Order:
    return place_order(database, at=now(), at_once=2)


def now() -> datetime:
    return datetime.now(UTC)


def driver(database: Database, **said: Any) -> User:
    person = make_driver(database, at=now(), **said)
    give_app(database, person)
    return person


def candidates(api: Api, desk: User, order: Order) -> list[dict[str, Any]]:
    answer = api.get(f"/api/dispatch/candidates/{order.id}/", desk)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def assign(api: Api, desk: User, order: Order, **said: Any) -> Any:
    return api.post(f"/api/dispatch/assign/{order.id}/", desk, json=said)


def test_a_desk_sees_the_best_first_and_of_the_others_what_speaks_against_them(
    api: Api, database: Database, desk: User, order: Order
) -> None:
    near, far = driver(database, metres=300.0, name="Near One"), driver(database, metres=3_000.0)
    towing = driver(database, metres=100.0, services=(Service.TOW,))
    found = candidates(api, desk, order)
    assert [each["driver_id"] for each in found] == [near.id, far.id, towing.id]
    assert [each["next"] for each in found] == [True, False, False]
    assert [each["excluded"] for each in found] == [[], [], ["other_service"]]
    best = found[0]
    assert (best["uuid"], best["full_name"], best["vehicle"]["name"]) == (
        *(str(near.uuid), "Near One"),
        "White Cobalt",
    )
    assert best["distance_m"] == pytest.approx(300, abs=5)
    assert best["place"]["age_s"] <= 60
    assert best["score"] < found[1]["score"]
    assert best["terms"]["eta_s"] == best["eta_s"]
    assert best["share"] == {"offers": 0, "accepts": 0, "hours": pytest.approx(0, abs=0.1)}


def test_who_is_asked_is_no_candidate_any_more(
    api: Api, database: Database, desk: User, order: Order
) -> None:
    asked = driver(database)
    make_offer(database, order, asked, at=now())
    [only] = candidates(api, desk, order)
    assert (only["next"], set(only["excluded"])) == (False, {"offer_open", "asked_already"})


def test_a_desk_gives_an_order_to_whom_it_likes(
    api: Api, database: Database, desk: User, order: Order
) -> None:
    driver(database, metres=100.0)
    chosen = driver(database, metres=5_000.0, online=False)
    given = assign(api, desk, order, driver_id=chosen.id)
    assert given.status_code == 200, given.text
    shown = given.json()
    assert (shown["state"], shown["driver"]["uuid"]) == ("accepted", str(chosen.uuid))
    assert [line["kind"] for line in shown["timeline"]] == ["requested", "assigned"]
    assert assign(api, desk, order, driver_id=chosen.id).status_code == 200


def test_a_desk_that_names_nobody_gives_it_to_the_best(
    api: Api, database: Database, desk: User, order: Order
) -> None:
    busy = driver(database, metres=100.0)
    assign(api, desk, place_order(database, at=now()), driver_id=busy.id)
    best = driver(database, metres=400.0)
    driver(database, metres=2_000.0)
    assert assign(api, desk, order).json()["driver"]["uuid"] == str(best.uuid)


def test_where_nobody_can_be_asked_that_is_said(
    api: Api, database: Database, desk: User, order: Order
) -> None:
    driver(database, metres=None)
    refused = assign(api, desk, order)
    assert (refused.status_code, refused.json()["code"]) == (409, "nobody")


def test_what_somebody_has_is_not_given_to_another_before_it_is_taken_back(
    api: Api, database: Database, desk: User, order: Order
) -> None:
    first, second = driver(database), driver(database)
    assign(api, desk, order, driver_id=first.id)
    for said in ({"driver_id": second.id}, {}):
        refused = assign(api, desk, order, **said)
        assert (refused.status_code, refused.json()["code"]) == (409, "taken")
    api.post(f"/api/v1/orders/{order.id}/give-back/", desk, json={})
    assert assign(api, desk, order, driver_id=second.id).status_code == 200
    assert order_of(database, order).driver_id == second.id


@pytest.mark.parametrize("against", ["blocked", "licence", "service", "order", "customer", "no driver"])
def test_who_cannot_come_is_not_given_an_order_and_the_desk_reads_why(
    api: Api, database: Database, desk: User, order: Order, against: str
) -> None:
    person = make_user(database) if against == "no driver" else driver(database)
    with database.transaction() as session:
        match against:
            case "blocked":
                session.get_one(User, person.id).status = UserStatus.BLOCKED
            case "licence":
                yesterday = now().date() - timedelta(days=1)
                session.get_one(Driver, person.id).licence_expires_on = yesterday
            case "service":
                session.get_one(Driver, person.id).services = ["tow"]
            case "customer":
                session.get_one(Order, order.id).customer_id = person.id
    if against == "order":
        assign(api, desk, place_order(database, at=now()), driver_id=person.id)
    refused = assign(api, desk, order, driver_id=person.id)
    expected = {"order": (409, "busy"), "no driver": (404, "not_found")}.get(against, (409, "unfit"))
    assert (refused.status_code, refused.json()["code"]) == expected
    assert order_of(database, order).driver_id is None


def test_a_desk_gives_away_the_orders_of_its_own_regions_alone(
    api: Api, database: Database, desk: User, order: Order
) -> None:
    region = make_region(database, "there")
    with database.transaction() as session:
        session.get_one(Order, order.id).region = region
        session.get_one(User, desk.id).alert_regions = ["elsewhere"]
    chosen = driver(database)
    assert api.get(f"/api/dispatch/candidates/{order.id}/", desk).status_code == 404
    assert assign(api, desk, order, driver_id=chosen.id).status_code == 404


@pytest.mark.parametrize(
    "said", [{"driver_id": "nobody"}, {"driver_id": 0}, {"driver_id": 2**63}, {"vehicle_id": -1}, []]
)
def test_what_cannot_be_understood_changes_nothing(
    api: Api, database: Database, desk: User, order: Order, said: Any
) -> None:
    driver(database)
    refused = api.post(f"/api/dispatch/assign/{order.id}/", desk, json=said)
    assert refused.status_code == 400
    assert order_of(database, order).driver_id is None


def test_a_vehicle_is_the_drivers_own_or_refused(
    api: Api, database: Database, desk: User, order: Order
) -> None:
    chosen, other = driver(database), driver(database)
    [foreign] = [
        each["vehicle"]["id"] for each in candidates(api, desk, order) if each["driver_id"] == other.id
    ]
    assert assign(api, desk, order, driver_id=chosen.id, vehicle_id=foreign).status_code == 400
    assert order_of(database, order).driver_id is None
