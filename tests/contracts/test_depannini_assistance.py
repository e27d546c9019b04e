"""Assistance as depannini documents it."""

from typing import Any

import pytest

from db.models import Order, User
from db.session import Database
from db.states import OrderState, Role, Service
from tests.asking import make_offer
from tests.builders import make_user
from tests.contracts.answers import check, integer, one_of, text
from tests.integration.api.speaking import Api, wrong_fields
from tests.ordering import assign, make_driver, make_tariff, place_order

PICKUP = {"lat": 41.311081, "lng": 69.240562}
DROPOFF = {"lat": 41.35, "lng": 69.24}
TOW: dict[str, Any] = {"pickup": PICKUP, "dropoff": DROPOFF}


@pytest.fixture
def nadia(database: Database) -> User:
    for service in (Service.TOW, Service.REPAIR):
        make_tariff(database, service)
    return make_user(database, name="Nadia Benali")


@pytest.fixture
def karim(api: Api, database: Database) -> User:
    return make_driver(database, at=api.now(), name="Karim Haddad", payload_kg=3_000)


def request(api: Api, by: User, **said: Any) -> dict[str, Any]:
    answer = api.post("/api/assistance/request/", by, json=TOW | said)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()["assistance"]
    return made


def row_of(database: Database, made: dict[str, Any]) -> Order:
    with database.transaction() as session:
        return session.get_one(Order, made["id"])


def ask(api: Api, database: Database, made: dict[str, Any], driver: User) -> None:
    assert make_offer(database, row_of(database, made), driver, at=api.now()) is not None


def accept(api: Api, made: dict[str, Any], by: User) -> Any:
    return api.call("PATCH", f"/api/assistance/accept/{made['id']}/", by)


def update(api: Api, made: dict[str, Any], by: User, status: str) -> Any:
    return api.call("PATCH", f"/api/assistance/update/{made['id']}/", by, json={"status": status})


def view(api: Api, made: dict[str, Any], by: User) -> Any:
    return api.get(f"/api/assistance/view/{made['id']}/", by)


def documented(nadia: User) -> dict[str, Any]:
    return {
        "id": integer,
        "status": "requested",
        "client": {"id": nadia.id, "name": "Nadia Benali", "phone_number": nadia.phone},
        "assistant": None,
        "pickupLocation": PICKUP,
        "dropoffLocation": DROPOFF,
        "distance_km": float,
        "total_price": float,
        "createdAt": text,
        "updatedAt": text,
    }


def test_requesting_assistance(api: Api, nadia: User, karim: User) -> None:
    near = [{"assistant_id": karim.id, "distance": float}]
    answer = api.post("/api/assistance/request/", nadia, json=TOW)
    made = check(answer, 201, {"assistance": documented(nadia), "nearby_assistants": near})
    assert made["nearby_assistants"][0]["distance"] < 1
    check(view(api, made["assistance"], nadia), 200, documented(nadia))


def test_who_cannot_come_is_not_near(api: Api, database: Database, nadia: User) -> None:
    make_driver(database, at=api.now(), services=(Service.RIDE,))
    make_driver(database, at=api.now(), metres=300_000)
    make_driver(database, online=False)
    said = api.post("/api/assistance/request/", nadia, json=TOW).json()
    assert said["nearby_assistants"] == []


def test_without_a_dropoff_it_is_repaired_on_the_spot(api: Api, database: Database, nadia: User) -> None:
    made = request(api, nadia, dropoff=None)
    assert (made["dropoffLocation"], made["distance_km"]) == (None, 0)
    assert row_of(database, made).service is Service.REPAIR
    assert row_of(database, request(api, nadia)).service is Service.TOW
    assert row_of(database, made).at_once == 8


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"pickup": None}, "pickup"),
        ({"pickup": {"lat": 1}}, "pickup.lng"),
        ({"pickup": {"lat": 91, "lng": 1}}, "pickup.lat"),
        ({"dropoff": {"lat": -30, "lng": 69}}, "dropoff"),
        ({"assistance_type": "flying"}, "assistance_type"),
    ],
)
def test_a_wrong_request_is_told(api: Api, nadia: User, said: dict[str, Any], field: str) -> None:
    answer = api.post("/api/assistance/request/", nadia, json=TOW | said)
    assert answer.status_code == 400
    assert list(wrong_fields(answer)) == [field]


def test_only_a_client_requests_and_only_an_assistant_accepts(api: Api, nadia: User, karim: User) -> None:
    assert api.post("/api/assistance/request/", karim, json=TOW).status_code == 403
    assert accept(api, request(api, nadia), nadia).status_code == 403


def test_who_is_asked_sees_about_where_and_nobodys_number(
    api: Api, database: Database, nadia: User, karim: User
) -> None:
    made = request(api, nadia)
    assert api.get("/api/assistance/view/", karim).json() == []
    ask(api, database, made, karim)
    (seen,) = api.get("/api/assistance/view/", karim).json()
    assert seen["client"] == {"id": nadia.id, "name": "Nadia", "phone_number": None}
    assert seen["pickupLocation"] == {"lat": 41.31, "lng": 69.24}
    assert accept(api, made, karim).status_code == 200
    seen = view(api, made, karim).json()
    assert (seen["client"]["phone_number"], seen["pickupLocation"]) == (nadia.phone, PICKUP)


def test_accepting_assistance(api: Api, database: Database, nadia: User, karim: User) -> None:
    made = request(api, nadia)
    ask(api, database, made, karim)
    for _ in range(2):
        own = {"id": karim.id, "name": "Karim Haddad", "phone_number": karim.phone}
        check(accept(api, made, karim), 200, {"status": "accepted", "assistant": own})
    comes = {"id": karim.id, "name": "Karim", "phone_number": karim.phone}
    check(view(api, made, nadia), 200, documented(nadia) | {"status": "accepted", "assistant": comes})


def test_of_two_who_accept_the_first_has_it(api: Api, database: Database, nadia: User, karim: User) -> None:
    other = make_driver(database, at=api.now())
    made = request(api, nadia)
    for driver in (karim, other):
        ask(api, database, made, driver)
    assert accept(api, made, karim).status_code == 200
    refused = accept(api, made, other)
    assert (refused.status_code, refused.json()["code"]) == (409, "taken")
    assert row_of(database, made).driver_id == karim.id


def test_who_was_not_asked_accepts_nothing(api: Api, nadia: User, karim: User) -> None:
    assert accept(api, request(api, nadia), karim).status_code == 404


def test_an_assistance_to_its_end(api: Api, database: Database, nadia: User, karim: User) -> None:
    made = request(api, nadia)
    assign(database, row_of(database, made), karim, at=api.now())
    for status in ("ongoing", "completed"):
        check(update(api, made, karim, status), 200, {"status": status})
    check(view(api, made, nadia), 200, {"status": "completed", "assistant": {"phone_number": None}})
    for by in (nadia, karim):
        assert update(api, made, by, "canceled").status_code in (409, 403)
    assert row_of(database, made).state is OrderState.COMPLETED


def test_a_client_can_only_cancel(api: Api, database: Database, nadia: User, karim: User) -> None:
    made = request(api, nadia)
    assign(database, row_of(database, made), karim, at=api.now())
    for status in ("ongoing", "completed"):
        assert update(api, made, nadia, status).status_code == 403
    check(update(api, made, nadia, "canceled"), 200, {"status": "canceled"})
    assert update(api, made, nadia, "accepted").status_code == 400


def test_an_assistant_who_cancels_gives_it_back(
    api: Api, database: Database, nadia: User, karim: User
) -> None:
    made = request(api, nadia)
    assign(database, row_of(database, made), karim, at=api.now())
    assert update(api, made, karim, "canceled").status_code == 200
    check(view(api, made, nadia), 200, {"status": "requested", "assistant": None})
    assert view(api, made, karim).status_code == 404


def test_viewing_requests(api: Api, database: Database, nadia: User, karim: User) -> None:
    first, second = request(api, nadia), request(api, nadia, dropoff=None)
    place_order(database, nadia, service=Service.RIDE)
    assign(database, row_of(database, first), karim, at=api.now())

    def seen(by: User) -> list[int]:
        return [each["id"] for each in api.get("/api/assistance/view/", by).json()]

    desk = make_user(database, Role.DISPATCHER)
    assert seen(nadia) == seen(desk) == [second["id"], first["id"]]
    assert seen(karim) == [first["id"]]
    assert seen(make_user(database)) == []
    assert view(api, first, make_user(database)).status_code == 404
    assert update(api, first, make_user(database), "canceled").status_code == 404
    words = one_of("requested", "accepted")
    assert all(words(each["status"]) for each in api.get("/api/assistance/view/", nadia).json())
