"""Tariffs and kinds of vehicles over HTTP."""

from typing import Any

import pytest
from sqlalchemy import select

from db.models import AuditEntry, User
from db.session import Database
from db.states import Role
from tests.builders import make_user
from tests.integration.api.speaking import Api, wrong_fields
from tests.maps import make_region, ring
from tests.ordering import make_tariff, place_order

TARIFFS, TYPES = "/api/v1/tariffs/", "/api/v1/vehicle-types/"
TOW: dict[str, Any] = {
    "service": "tow",
    "currency": "UZS",
    "minimum": 15_000_000,
    "included_m": 2_000,
    "per_km": 800_000,
    "night_pct": 130,
    "timezone": "Asia/Tashkent",
    "addons": [{"slug": "winch", "name": "Winch", "price": 8_000_000}],
}
CAR = {"name": "Car", "services": ["tow", "repair"], "base_price": 12_000_000, "weight_kg": 1_500}


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN)


def create(api: Api, by: User, **said: Any) -> dict[str, Any]:
    answer = api.post(TARIFFS, by, json=TOW | said)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def put_type(api: Api, by: User, slug: str = "car", **said: Any) -> Any:
    return api.call("PUT", f"{TYPES}{slug}/", by, json=CAR | said)


def actions(database: Database) -> list[str]:
    with database.transaction() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_an_admin_writes_reads_changes_and_removes_a_tariff(
    api: Api, database: Database, admin: User
) -> None:
    make_region(database, "city")
    everywhere, city = create(api, admin), create(api, admin, region="city", per_km=900_000)
    customer = make_user(database)
    assert api.get(TARIFFS, customer).json() == [city, everywhere]
    path = f"{TARIFFS}{city['id']}/"
    assert api.get(path, customer).json() == city
    changed = api.call("PUT", path, admin, json=TOW | {"region": "city", "night_from": "23:30"}).json()
    assert (changed["per_km"], changed["night_from"]) == (800_000, "23:30:00")
    api.call("PUT", path, admin, json=TOW | {"region": "city", "night_from": "23:30"})  # changes nothing
    assert api.call("DELETE", path, admin).status_code == 204
    assert api.get(path, customer).status_code == 404
    assert actions(database) == ["tariff.created", "tariff.created", "tariff.changed", "tariff.removed"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"service": "flight"}, "service"),
        ({"region": "nowhere"}, "region"),
        ({"currency": "sum"}, "currency"),
        ({"minimum": -1}, "minimum"),
        ({"minimum": 10**13}, "minimum"),
        ({"per_km": 0.5}, "per_km"),
        ({"night_pct": 99}, "night_pct"),
        ({"night_from": "25:00"}, "night_from"),
        ({"night_from": "22:00+05:00"}, "night_from"),
        ({"timezone": "Asia/Nowhere"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"cancel_pct": 101}, "cancel_pct"),
        ({"addons": TOW["addons"] * 2}, "addons"),
        ({"addons": [{"slug": "Winch!", "name": "Winch", "price": 1}]}, "addons.0.slug"),
        ({"surge": 3}, "surge"),
    ],
)
def test_what_does_not_do_is_named_and_nothing_is_kept(
    api: Api, admin: User, wrong: dict[str, Any], field: str
) -> None:
    answer = api.post(TARIFFS, admin, json=TOW | wrong)
    assert answer.status_code == 422, answer.text
    assert list(wrong_fields(answer)) == [field]
    assert api.get(TARIFFS, admin).json() == []


def test_a_service_has_one_tariff_for_a_region_and_one_for_everywhere_else(
    api: Api, database: Database, admin: User
) -> None:
    make_region(database, "city")
    for region in (None, "city"):
        made = create(api, admin, region=region)
        answer = api.post(TARIFFS, admin, json=TOW | {"region": region})
        assert (answer.status_code, answer.json()["code"]) == (409, "taken")
        assert (
            api.call("PUT", f"{TARIFFS}{made['id']}/", admin, json=TOW | {"region": region}).status_code
            == 200
        )
    assert api.post(TARIFFS, admin, json=TOW | {"service": "repair"}).status_code == 201


def test_a_house_has_one_currency(api: Api, admin: User) -> None:
    made = create(api, admin)
    answer = api.post(TARIFFS, admin, json=TOW | {"service": "ride", "currency": "EUR"})
    assert (answer.status_code, answer.json()["code"]) == (409, "other_currency")
    # As long as it is the only one, it may become another.
    path = f"{TARIFFS}{made['id']}/"
    assert api.call("PUT", path, admin, json=TOW | {"currency": "EUR"}).json()["currency"] == "EUR"


def test_kinds_of_vehicles_are_listed_by_rank_and_service(api: Api, admin: User) -> None:
    assert put_type(api, admin, "suv", rank=2).status_code == 201
    assert put_type(api, admin, "car", rank=1).status_code == 201
    assert put_type(api, admin, "taxi", services=["ride"], seats=4).status_code == 201
    assert [each["slug"] for each in api.get(TYPES, admin).json()] == ["taxi", "car", "suv"]
    tows = api.get(TYPES, admin, params={"service": "tow"}).json()
    assert [each["slug"] for each in tows] == ["car", "suv"]
    assert put_type(api, admin, "car", name="Small car").status_code == 200


def test_a_kind_of_vehicle_that_is_retired_is_ordered_no_more_and_can_come_back(
    api: Api, database: Database, admin: User
) -> None:
    make_tariff(database)
    order = place_order(database)
    path = f"{TYPES}car/"
    assert api.call("DELETE", path, admin).status_code == 204
    assert api.call("DELETE", path, admin).status_code == 404
    assert api.get(TYPES, admin).json() == []
    assert place_order(database).vehicle_type is None
    assert order.vehicle_type == "car"
    assert put_type(api, admin).json()["slug"] == "car"
    assert actions(database) == ["vehicle_type.retired", "vehicle_type.changed"]


@pytest.mark.parametrize("slug", ["Car", "two words", "x" * 64])
def test_a_kind_of_vehicle_has_a_name_that_fits_an_address(api: Api, admin: User, slug: str) -> None:
    assert list(wrong_fields(put_type(api, admin, slug))) == ["slug"]


def test_a_region_of_orders_or_tariffs_stays(api: Api, database: Database, admin: User) -> None:
    make_region(database, "city", [[ring()]])
    make_tariff(database, region="city")
    place_order(database)
    answer = api.call("DELETE", "/api/v1/regions/city/", admin)
    assert answer.status_code == 409
    assert "1 orders" in answer.json()["detail"]
    assert "tariffs for ride" in answer.json()["detail"]
