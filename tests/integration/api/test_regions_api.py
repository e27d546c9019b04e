"""Regions over HTTP: GeoJSON in, GeoJSON out, and refusals that say what to do."""

import json
from typing import Any

import pytest

from db.models import User
from db.session import Database
from db.states import Role
from tests.builders import TASHKENT, make_device, make_user, report
from tests.integration.api.speaking import Api, wrong_fields
from tests.maps import feature, square


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN)


def test_a_region_is_drawn_changed_and_taken_away(api: Api, admin: User) -> None:
    made = api.post("/api/v1/regions/", admin, json=feature("tashkent", square(), priority=2))
    assert made.status_code == 201, made.text
    assert made.json()["properties"] == {
        "slug": "tashkent",
        "name": "tashkent",
        "parent": None,
        "priority": 2,
    }
    assert made.json()["geometry"]["type"] == "MultiPolygon"
    again = api.post("/api/v1/regions/", admin, json=feature("tashkent", square()))
    assert again.status_code == 409
    assert "properties.slug" in wrong_fields(again)
    changed = api.call(
        "PUT", "/api/v1/regions/tashkent/", admin, json=feature("tashkent", name="Tashkent city")
    )
    assert (changed.json()["properties"]["name"], changed.json()["geometry"]) == ("Tashkent city", None)
    assert api.call("DELETE", "/api/v1/regions/tashkent/", admin).status_code == 204
    assert api.get("/api/v1/regions/tashkent/", admin).status_code == 404


def test_what_is_exported_can_be_imported(api: Api, admin: User) -> None:
    features = [feature("child", square(69, 41, 0.5), parent="parent"), feature("parent", square())]
    sent = {"type": "FeatureCollection", "features": features}
    assert api.post("/api/v1/regions/import/", admin, json=sent).status_code == 200
    exported = api.get("/api/v1/regions/", admin).json()
    assert [each["id"] for each in exported["features"]] == ["child", "default", "parent"]
    assert api.post("/api/v1/regions/import/", admin, json=exported).json() == exported


def test_apps_find_a_plain_list_at_the_documented_path(api: Api, database: Database, admin: User) -> None:
    api.post("/api/v1/regions/", admin, json=feature("tashkent", square()))
    found = api.get("/api/regions/", make_user(database)).json()
    assert [each["slug"] for each in found] == ["default", "tashkent"]


BOW_TIE = {"type": "Polygon", "coordinates": [[[69, 41], [70, 42], [70, 41], [69, 42], [69, 41]]]}


@pytest.mark.parametrize(
    ("geometry", "said"),
    [
        (BOW_TIE, "Self-intersection"),
        (square(41, 120), "swapped"),
        (square(179.5, 10) | {"coordinates": [[[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]]}, "180"),
        ({"type": "Polygon", "coordinates": [[[69, 41], [70, 41], [70, 42], [69, 42]]]}, "not closed"),
        ({"type": "Polygon", "coordinates": []}, "at least one"),
    ],
)
def test_a_bad_geometry_is_refused_and_makes_nothing(
    api: Api, admin: User, geometry: dict[str, Any], said: str
) -> None:
    answer = api.post("/api/v1/regions/", admin, json=feature("bad", geometry))
    assert answer.status_code == 422, answer.text
    assert said in wrong_fields(answer)["geometry"]
    assert api.get("/api/v1/regions/bad/", admin).status_code == 404


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (feature("bad slug"), "properties.slug"),
        (feature("a", colour="red"), "properties.colour"),
        (feature("a", priority=40_000), "properties.priority"),
        (feature("a", parent="nowhere"), "properties.parent"),
        (feature("a", parent="a"), "properties.parent"),
        (feature("a", {"type": "Point", "coordinates": [69, 41]}), "geometry"),
        (
            feature("a", {"type": "Polygon", "coordinates": [[["69", 41]]]}),
            "geometry.Polygon.coordinates.0.0.0",
        ),
        (feature("a") | {"type": "feature"}, "type"),
    ],
)
def test_each_wrong_field_is_named(api: Api, admin: User, sent: dict[str, Any], field: str) -> None:
    answer = api.post("/api/v1/regions/", admin, json=sent)
    assert answer.status_code == 422, answer.text
    assert list(wrong_fields(answer)) == [field]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(api: Api, admin: User, number: str) -> None:
    body = json.dumps(feature("a", square())).replace("69.0", number).replace("69", number)
    answer = api.post("/api/v1/regions/", admin, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text


def test_an_altitude_is_read_over(api: Api, admin: User) -> None:
    high = {"type": "Polygon", "coordinates": [[[*corner, 450] for corner in square()["coordinates"][0]]]}
    assert api.post("/api/v1/regions/", admin, json=feature("high", high)).status_code == 201


def test_a_region_with_incidents_says_why_it_stays(api: Api, database: Database, admin: User) -> None:
    api.post("/api/v1/regions/", admin, json=feature("tashkent", square()))
    report(database, make_device(database), **TASHKENT)
    answer = api.call("DELETE", "/api/v1/regions/tashkent/", admin)
    assert answer.status_code == 409
    assert "1 incident" in answer.json()["detail"]


def test_maps_may_be_larger_than_other_bodies_but_not_endless(api: Api, admin: User) -> None:
    many = [feature(f"r-{number}", square(number % 100, number // 100, 0.5)) for number in range(500)]
    sent = {"type": "FeatureCollection", "features": many}
    assert len(json.dumps(sent)) > 64 * 1024
    assert api.post("/api/v1/regions/import/", admin, json=sent).status_code == 200
    assert api.post("/api/v1/regions/", admin, content=b" " * 5_000_000).status_code == 413
    assert api.post("/api/v1/geofences/", admin, content=b" " * 100_000).status_code == 413
