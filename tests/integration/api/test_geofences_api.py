"""Fences over HTTP: people fence their own devices, the staff any, and nobody sees another's."""

from typing import Any

import pytest
from sqlalchemy import select

from db.models import Device, Geofence, GeofenceEvent, User
from db.session import Database
from db.states import Crossing, Role
from tests.builders import NOON, make_device, make_user
from tests.integration.api.speaking import Api, wrong_fields
from tests.maps import circle, make_fence, square


@pytest.fixture
def owner(database: Database) -> User:
    return make_user(database)


@pytest.fixture
def device(database: Database, owner: User) -> Device:
    return make_device(database, owner)


def fence(**said: Any) -> dict[str, Any]:
    return {"name": "School", "shape": circle()} | said


def test_a_fence_is_put_up_changed_and_taken_down(api: Api, owner: User, device: Device) -> None:
    made = api.post("/api/v1/geofences/", owner, json=fence(device_uid=device.uid))
    assert made.status_code == 201, made.text
    assert made.json()["shape"] == circle()
    path = f"/api/v1/geofences/{made.json()['id']}/"
    changed = api.call("PUT", path, owner, json=fence(active=False, shape=square(69, 41, 0.01)))
    assert changed.status_code == 200, changed.text
    said = changed.json()
    assert (said["active"], said["device_uid"], said["person"]) == (False, None, str(owner.uuid))
    assert said["shape"]["type"] == "MultiPolygon"
    assert api.get(path, owner).json() == said
    assert api.get("/api/v1/geofences/", owner).json()["items"] == [said]
    assert api.call("DELETE", path, owner).status_code == 204
    assert api.get(path, owner).status_code == 404


def test_the_staff_fence_any_device_and_see_each_others_but_no_persons(
    api: Api, database: Database, owner: User, device: Device
) -> None:
    make_fence(database, device)
    one, other = make_user(database, Role.DISPATCHER), make_user(database, Role.ADMIN)
    made = api.post("/api/v1/geofences/", one, json=fence(staff=True, person=str(owner.uuid)))
    assert made.status_code == 201, made.text
    assert [each["id"] for each in api.get("/api/v1/geofences/", other).json()["items"]] == [
        made.json()["id"]
    ]
    assert made.json()["id"] not in api.get("/api/v1/geofences/", owner).text
    assert api.post("/api/v1/geofences/", owner, json=fence(staff=True)).status_code == 403


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"colour": "red"}, "colour"),
        ({"shape": {"type": "Square"}}, "shape"),
        ({"shape": circle(5)}, "shape.Circle.radius_m"),
        ({"shape": circle() | {"lat": 91}}, "shape.Circle.lat"),
        ({"shape": {"type": "Polygon", "coordinates": [[[69, 41], [70, 42], [69, 41]]]}}, "shape"),
        ({"device_uid": "of nobody"}, "device_uid"),
        ({"person": "00000000-0000-0000-0000-000000000001"}, "person"),
    ],
)
def test_each_wrong_field_is_named_and_nothing_is_made(
    api: Api, database: Database, owner: User, said: dict[str, Any], field: str
) -> None:
    answer = api.post("/api/v1/geofences/", owner, json=fence(**said))
    assert answer.status_code == 422, answer.text
    assert list(wrong_fields(answer)) == [field]
    with database.transaction() as session:
        assert session.scalars(select(Geofence)).all() == []


def test_the_device_of_another_is_not_found(api: Api, database: Database, owner: User) -> None:
    stranger = make_device(database, make_user(database))
    answer = api.post("/api/v1/geofences/", owner, json=fence(device_uid=stranger.uid))
    assert (answer.status_code, list(wrong_fields(answer))) == (404, ["device_uid"])


def test_crossings_are_listed_by_pages_newest_first(
    api: Api, database: Database, owner: User, device: Device
) -> None:
    kept = make_fence(database, device)
    with database.transaction() as session:
        fence_id = session.scalars(select(Geofence.id)).one()
        for minute in range(3):
            at = NOON.replace(minute=minute)
            kind = Crossing.LEFT if minute % 2 else Crossing.ENTERED
            session.add(
                GeofenceEvent(geofence_id=fence_id, device_id=device.id, kind=kind, at=at, confirmed_at=at)
            )
    path = f"/api/v1/geofences/{kept}/events/"
    first = api.get(path, owner, params={"limit": 2}).json()
    rest = api.get(path, owner, params={"cursor": first["next"]}).json()
    assert [each["kind"] for each in first["items"] + rest["items"]] == ["entered", "left", "entered"]
    assert first["items"][0]["device_uid"] == device.uid
    assert rest["next"] is None


def test_fences_are_listed_by_pages(api: Api, database: Database, owner: User, device: Device) -> None:
    made = {str(make_fence(database, device)) for _ in range(3)}
    first = api.get("/api/v1/geofences/", owner, params={"limit": 2}).json()
    rest = api.get("/api/v1/geofences/", owner, params={"cursor": first["next"]}).json()
    assert {each["id"] for each in first["items"] + rest["items"]} == made
