"""Tow trucks and their locations as evacuator documents them."""

import pytest

from db.models import User
from db.session import Database
from db.states import Service
from tests.builders import make_user
from tests.contracts.answers import check, integer, text
from tests.integration.api.speaking import Api, wrong_fields
from tests.ordering import assign, make_driver, place_order

MOVED = {"latitude": 41.32, "longitude": 69.25}


@pytest.fixture
def timur(api: Api, database: Database) -> User:
    return make_driver(database, at=api.now(), name="Timur Tow", payload_kg=4_000)


def test_listing_available_tow_trucks(api: Api, database: Database, timur: User) -> None:
    make_driver(database, at=api.now(), services=(Service.RIDE,))
    make_driver(database, online=False)
    documented = {
        "id": integer,
        "driver": {"id": timur.id, "first_name": "Timur"},
        "model": "White Cobalt",
        "license_plate": text,
        "capacity": 4_000,
        "is_available": True,
        "location": {"latitude": float, "longitude": float},
        "updated_at": text,
        "stale": False,
    }
    client = make_user(database)
    (truck,) = check(api.get("/api/v1/tow-trucks/", client), 200, [documented])
    assert timur.phone is not None
    assert timur.phone not in str(truck)
    assert truck["id"] == api.get("/api/v1/drivers/me/", timur).json()["vehicle"]["id"]


def test_a_truck_that_is_out_is_not_available(api: Api, database: Database, timur: User) -> None:
    order = place_order(database, service=Service.TOW, at=api.now())
    assign(database, order, timur, at=api.now())
    assert api.get("/api/v1/tow-trucks/", timur).json() == []


def test_an_old_location_is_shown_as_stale(api: Api, timur: User) -> None:
    api.later(minutes=5)
    (truck,) = api.get("/api/v1/tow-trucks/", timur).json()
    assert truck["stale"] is True


def test_updating_the_location(api: Api, database: Database, timur: User) -> None:
    answer = api.post("/api/v1/location/update/", timur, json=MOVED)
    check(answer, 200, {"location": MOVED, "updated_at": text})
    (truck,) = api.get("/api/v1/tow-trucks/", timur).json()
    assert truck["location"] == MOVED
    assert api.post("/api/v1/location/update/", make_user(database), json=MOVED).status_code == 403
    wrong = api.post("/api/v1/location/update/", timur, json={"latitude": 99})
    assert (wrong.status_code, set(wrong_fields(wrong))) == (422, {"latitude", "longitude"})
