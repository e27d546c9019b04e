"""Rides, drivers and passengers as invo documents them."""

from datetime import timedelta
from typing import Any

import pytest

from db.models import Order, User
from db.session import Database
from db.states import Need, OrderState, Role, Service
from dispatch.fleet import passengers
from tests.builders import NOON, make_user
from tests.contracts.answers import check, integer, text
from tests.integration.api.speaking import Api, wrong_fields
from tests.ordering import assign, make_driver, make_tariff, order_of, place_order

PATH = "/api/orders/"
RIDE: dict[str, Any] = {
    "pickup_title": "Lenin street 1",
    "dropoff_title": "Pushkin street 10",
    "pickup_lat": 41.311081,
    "pickup_lon": 69.240562,
    "dropoff_lat": 41.35,
    "dropoff_lon": 69.24,
    "has_companion": False,
    "note": "help with the wheelchair, please",
}
DOCUMENTED = {
    **RIDE,
    "id": integer,
    "passenger": {"id": integer, "full_name": "Nodira Yusupova"},
    "driver": None,
    "pickup_coordinate": {"lat": 41.311081, "lon": 69.240562},
    "dropoff_coordinate": {"lat": 41.35, "lon": 69.24},
    "desired_pickup_time": None,
    "status": "submitted",
    "created_at": text,
    "assigned_at": None,
    "completed_at": None,
    "distance_km": float,
    "estimated_price": float,
    "final_price": None,
    "seats_needed": 1,
}


@pytest.fixture
def nodira(database: Database) -> User:
    make_tariff(database)
    return make_user(database, name="Nodira Yusupova")


@pytest.fixture
def desk(database: Database) -> User:
    return make_user(database, Role.DISPATCHER)


@pytest.fixture
def rustam(api: Api, database: Database) -> User:
    return make_driver(database, at=api.now(), lift=True)


def order(api: Api, by: User, **said: Any) -> dict[str, Any]:
    answer = api.post(PATH, by, json=RIDE | said)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def ordered(api: Api, database: Database, made: dict[str, Any]) -> Order:
    with database.transaction() as session:
        return session.get_one(Order, made["id"])


def set_status(api: Api, made: dict[str, Any], by: User, status: str, reason: str | None = None) -> Any:
    said = {"status": status, "reason": reason}
    return api.call("PATCH", f"{PATH}{made['id']}/status/", by, json=said)


def test_creating_an_order(api: Api, nodira: User) -> None:
    made = check(api.post(PATH, nodira, json=RIDE), 201, DOCUMENTED)
    check(api.get(f"{PATH}{made['id']}/", nodira), 200, DOCUMENTED | {"id": made["id"]})


def test_a_ride_for_later_waits_until_its_time_comes_near(api: Api, nodira: User) -> None:
    later = (api.now() + timedelta(hours=5)).isoformat().replace("+00:00", "Z")
    made = order(api, nodira, desired_pickup_time=later)
    assert made["desired_pickup_time"] == later
    wrong = api.post(PATH, nodira, json=RIDE | {"desired_pickup_time": "2020-01-01T00:00:00Z"})
    assert wrong.status_code == 400
    assert list(wrong_fields(wrong)) == ["desired_pickup_time"]


@pytest.mark.parametrize("field", ["pickup_title", "pickup_lat", "dropoff_lon", "dropoff_title"])
def test_what_a_ride_cannot_do_without_is_told(api: Api, nodira: User, field: str) -> None:
    answer = api.post(PATH, nodira, json={name: RIDE[name] for name in RIDE if name != field})
    assert answer.status_code == 400
    assert wrong_fields(answer) == {field: "is required"}


def test_what_a_passenger_needs_is_asked_for_with_each_ride(
    api: Api, database: Database, nodira: User
) -> None:
    with database.transaction() as session:
        passengers.keep_profile(
            session, nodira.id, category="I", needs=[Need.LIFT], companion=True, at=api.now()
        )
    made = order(api, nodira, has_companion=True)
    assert (made["needs"], made["seats_needed"], made["has_companion"]) == (["lift"], 2, True)


def test_the_same_request_sent_again_orders_once(api: Api, nodira: User) -> None:
    headers = {"Idempotency-Key": "one-ride"}
    first, second = (api.post(PATH, nodira, json=RIDE, headers=headers).json() for _ in range(2))
    assert first == second
    assert len(api.get(PATH, nodira).json()) == 1


def test_listing_orders(api: Api, database: Database, nodira: User, rustam: User, desk: User) -> None:
    waiting = order(api, nodira)
    given = order(api, nodira)
    assign(database, ordered(api, database, given), rustam, at=api.now())
    place_order(database, make_user(database), service=Service.TOW)

    def listed(by: User, **wanted: Any) -> list[int]:
        answer = api.get(PATH, by, params=wanted)
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()]

    assert listed(nodira) == listed(desk) == [given["id"], waiting["id"]]
    assert listed(rustam) == [given["id"]]
    assert listed(make_user(database)) == []
    assert listed(desk, status="assigned") == listed(desk, driver_id=rustam.id) == [given["id"]]
    assert listed(desk, status="assigned,submitted") == listed(desk, passenger_id=nodira.id)
    assert listed(desk, passenger_id=rustam.id) == []
    assert api.get(PATH, desk, params={"status": "flying"}).status_code == 400


def test_a_long_list_names_where_it_goes_on(api: Api, nodira: User) -> None:
    made = [order(api, nodira)["id"] for _ in range(3)]
    first = api.get(PATH, nodira, params={"limit": 2})
    address = first.headers["link"].removeprefix("<").removesuffix('>; rel="next"')
    second = api.get(address, nodira)
    assert [each["id"] for each in first.json() + second.json()] == made[::-1]
    assert "link" not in second.headers


def test_the_orders_of_a_passenger_and_of_a_driver(
    api: Api, database: Database, nodira: User, rustam: User, desk: User
) -> None:
    made = order(api, nodira)
    assign(database, ordered(api, database, made), rustam, at=api.now())
    for path, own, foreign in (
        (f"{PATH}passenger/{nodira.id}/", nodira, rustam),
        (f"{PATH}driver/{rustam.id}/", rustam, nodira),
    ):
        for by in (own, desk):
            assert [each["id"] for each in api.get(path, by).json()] == [made["id"]]
        assert api.get(path, foreign).status_code == 404


def test_the_way_of_a_ride_in_the_words_of_the_contract(
    api: Api, database: Database, nodira: User, rustam: User
) -> None:
    made = order(api, nodira)
    assign(database, ordered(api, database, made), rustam, at=api.now())
    seen = api.get(f"{PATH}{made['id']}/", nodira).json()
    assert seen["status"] == "assigned"
    assert seen["driver"]["name"] == "Rustam"
    assert seen["driver"]["phone"] == rustam.phone
    assert seen["driver"]["car_model"] == "White Cobalt"
    for status in ("driver_en_route", "arrived_waiting", "ride_ongoing", "completed"):
        said = set_status(api, made, rustam, status).json()
        assert said["status"] == status
    ended = api.get(f"{PATH}{made['id']}/", nodira).json()
    assert ended["final_price"] == ended["estimated_price"]
    assert ended["completed_at"] is not None
    assert (ended["driver"]["name"], ended["driver"]["phone"]) == ("Rustam", None)
    assert order_of(database, ordered(api, database, made)).state is OrderState.COMPLETED


def test_what_is_left_out_on_the_way_is_walked_through(
    api: Api, database: Database, nodira: User, rustam: User
) -> None:
    made = order(api, nodira)
    assign(database, ordered(api, database, made), rustam, at=api.now())
    said = set_status(api, made, rustam, "ride_ongoing").json()
    assert (said["status"], bool(said["arrived_at"])) == ("ride_ongoing", True)


def test_a_passenger_cancels_and_says_why(api: Api, database: Database, nodira: User) -> None:
    made = order(api, nodira)
    said = set_status(api, made, nodira, "cancelled", "found a neighbour").json()
    assert (said["status"], said["reason"], said["final_price"]) == ("cancelled", "found a neighbour", 0)


def test_a_driver_who_cancels_gives_the_ride_back(
    api: Api, database: Database, nodira: User, rustam: User
) -> None:
    made = order(api, nodira)
    assign(database, ordered(api, database, made), rustam, at=api.now())
    assert set_status(api, made, rustam, "cancelled", "flat tyre").status_code == 200
    seen = api.get(f"{PATH}{made['id']}/", nodira).json()
    assert (seen["status"], seen["driver"]) == ("submitted", None)
    assert api.get(f"{PATH}{made['id']}/", rustam).status_code == 404


def test_only_what_the_state_allows_is_done(api: Api, database: Database, nodira: User, rustam: User) -> None:
    made = order(api, nodira)
    assert set_status(api, made, nodira, "completed").status_code == 409
    assert set_status(api, made, nodira, "assigned").status_code == 400
    assert set_status(api, made, nodira, "draft").status_code == 400
    assert set_status(api, made, rustam, "driver_en_route").status_code == 404
    assign(database, ordered(api, database, made), rustam, at=api.now())
    assert set_status(api, made, nodira, "driver_en_route").status_code == 403


def test_that_nobody_was_there_has_to_be_shown(
    api: Api, database: Database, nodira: User, rustam: User
) -> None:
    made = order(api, nodira)
    assign(database, ordered(api, database, made), rustam, at=api.now())
    set_status(api, made, rustam, "arrived_waiting")
    refused = set_status(api, made, rustam, "no_show")
    assert (refused.status_code, refused.json()["code"]) == (409, "no_evidence")


def test_a_ride_is_nobody_elses(api: Api, database: Database, nodira: User) -> None:
    made = order(api, nodira)
    stranger = make_user(database)
    assert api.get(f"{PATH}{made['id']}/", stranger).status_code == 404
    assert set_status(api, made, stranger, "cancelled").status_code == 404


def test_a_tow_is_no_ride(api: Api, database: Database, nodira: User) -> None:
    tow = place_order(database, nodira, service=Service.TOW)
    assert api.get(f"{PATH}{tow.id}/", nodira).status_code == 404


# Drivers and passengers.


def test_listing_drivers(api: Api, database: Database, nodira: User, rustam: User, desk: User) -> None:
    make_driver(database, online=False, name="Offline Driver")
    make_driver(database, services=(Service.TOW,), at=api.now())
    documented = {
        "id": rustam.id,
        "name": "Rustam",
        "car_model": "White Cobalt",
        "plate_number": text,
        "capacity": 4,
        "is_online": True,
        "status": "online_idle",
        "current_position": {"lat": float, "lon": float},
        "last_location_update": text,
        "phone": None,
    }
    check(api.get("/api/drivers/", nodira), 200, [documented])
    names = [each["name"] for each in api.get("/api/drivers/", desk).json()]
    assert names == ["Offline Driver", "Rustam Driver"]


def test_a_driver_is_known_to_whom_they_come(
    api: Api, database: Database, nodira: User, rustam: User, desk: User
) -> None:
    path = f"/api/drivers/{rustam.id}/"
    check(api.get(path, nodira), 200, {"name": "Rustam", "phone": None})
    check(api.get(path, desk), 200, {"name": "Rustam Driver", "phone": rustam.phone})
    check(api.get(path, rustam), 200, {"name": "Rustam Driver", "phone": rustam.phone})
    assign(database, ordered(api, database, order(api, nodira)), rustam, at=api.now())
    assert api.get("/api/drivers/", nodira).json() == []
    check(api.get(path, nodira), 200, {"name": "Rustam", "phone": rustam.phone, "status": "on_order"})
    assert api.get(path, make_user(database)).status_code == 404
    assert api.get(f"/api/drivers/{nodira.id}/", desk).status_code == 404


def test_a_driver_says_where_they_are(api: Api, rustam: User, nodira: User) -> None:
    path = f"/api/drivers/{rustam.id}/location/"
    said = {"lat": 41.33, "lon": 69.28}
    expected = {"id": rustam.id, "current_lat": 41.33, "current_lon": 69.28, "current_position": said}
    check(api.call("PATCH", path, rustam, json=said), 200, expected)
    wrong = api.call("PATCH", path, rustam, json={"lat": 99})
    assert (wrong.status_code, set(wrong_fields(wrong))) == (400, {"lat", "lon"})
    assert api.call("PATCH", path, nodira, json=said).status_code == 403


def test_nobody_says_where_another_driver_is(api: Api, database: Database, rustam: User) -> None:
    other = make_driver(database)
    path = f"/api/drivers/{rustam.id}/"
    assert api.call("PATCH", f"{path}location/", other, json={"lat": 1, "lon": 2}).status_code == 404
    assert api.call("PATCH", f"{path}online-status/", other, json={"is_online": False}).status_code == 404


def test_a_driver_goes_online_and_offline(api: Api, database: Database) -> None:
    driver = make_driver(database, online=False)
    path = f"/api/drivers/{driver.id}/online-status/"
    for online, status in ((True, "online_idle"), (True, "online_idle"), (False, "offline")):
        answer = api.call("PATCH", path, driver, json={"is_online": online})
        check(answer, 200, {"id": driver.id, "is_online": online, "status": status})


def test_the_profile_of_a_passenger(api: Api, database: Database, nodira: User, desk: User) -> None:
    with database.transaction() as session:
        passengers.keep_profile(
            session, nodira.id, category="I group", needs=[Need.RAMP], companion=True, at=NOON
        )
    documented = {
        "id": nodira.id,
        "user": {"id": nodira.id, "username": text, "phone": nodira.phone, "role": "passenger"},
        "full_name": "Nodira Yusupova",
        "disability_category": "I group",
        "allowed_companion": True,
    }
    for by in (nodira, desk):
        check(api.get(f"/api/passengers/{nodira.id}/", by), 200, documented)
    assert api.get(f"/api/passengers/{nodira.id}/", make_driver(database)).status_code == 404
    assert api.get("/api/passengers/4711000/", desk).status_code == 404
