"""Devices in their owners' hands: seen, named, given away, taken out of use."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select

from api.devices import queries, rules
from api.devices.service import register_device
from db import telemetry
from db.models import Device, DeviceConfig, DeviceLast, Incident, MqttCredential, Position
from db.samples import Batch, PresenceRow
from db.session import Database
from db.states import DeviceKind, IncidentState, Presence, Role
from tests.builders import make_device, make_user, report
from tests.integration.api.speaking import Api, wrong_fields

DEVICES = "/api/v1/devices/"


def tell(database: Database, device: Device, presence: Presence, *, ago: timedelta = timedelta()) -> None:
    said = PresenceRow(device.id, datetime.now(UTC) - ago, 80, presence, None, None, "LTE")
    with database.transaction() as session:
        telemetry.store(session, Batch(presences=[said]), lane="test")


def uids(api: Api, by: Any, **wanted: Any) -> list[str]:
    answer = api.get(DEVICES, by, params=wanted)
    assert answer.status_code == 200, answer.text
    return [each["device_uid"] for each in answer.json()["items"]]


def all_uids(api: Api, by: Any, *, limit: int = 200, **wanted: Any) -> list[str]:
    """Those of one page after the other."""
    found: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = api.get(DEVICES, by, params=wanted | more | {"limit": limit}).json()
        found += [each["device_uid"] for each in page["items"]]
        if page["next"] is None:
            return found
        more = {"cursor": page["next"]}


def test_an_owner_sees_their_own_devices_and_how_they_were_last_seen(api: Api, database: Database) -> None:
    owner = make_user(database)
    device = make_device(database, owner, uid="mine")
    make_device(database, make_user(database), uid="another's")
    tell(database, device, Presence.ONLINE, ago=timedelta(minutes=2))
    said = api.get(DEVICES, owner).json()["items"]
    assert [each["device_uid"] for each in said] == ["mine"]
    assert (said[0]["presence"], said[0]["battery_level"], said[0]["last_seen_via"]) == ("online", 80, "LTE")
    assert 120 <= said[0]["last_seen_ago_s"] < 180
    assert said[0]["owner"] is None
    assert api.get(f"{DEVICES}mine/", owner).json() | {"last_seen_ago_s": 0} == said[0] | {
        "last_seen_ago_s": 0
    }


def test_a_desk_sees_all_devices_with_their_owners(api: Api, database: Database) -> None:
    owner = make_user(database, name="Nodira")
    make_device(database, owner, uid="hers")
    make_device(database, uid="nobody's")
    items = api.get(DEVICES, make_user(database, Role.DISPATCHER)).json()["items"]
    owners = {each["device_uid"]: each["owner"] and each["owner"]["full_name"] for each in items}
    assert owners == {"hers": "Nodira", "nobody's": None}


def test_pages_follow_each_other_without_gap_or_overlap(api: Api, database: Database) -> None:
    owner = make_user(database)
    expected = [make_device(database, owner).uid for _ in range(5)][::-1]
    assert all_uids(api, owner, limit=2) == expected


def test_the_list_says_of_every_device_what_the_rule_says(api: Api, database: Database) -> None:
    owner = make_user(database)
    at = datetime.now(UTC)
    silences = [timedelta(minutes=minutes) for minutes in (1, 8, 20, 45, 90, 800, 10_000)]
    profiles: list[tuple[int | None, int | None]] = [
        *((None, None), (None, 20), (10, None), (600, 1), (600, 5), (86_400, 200)),
    ]
    expected: dict[str, list[str]] = {each: [] for each in rules.Seen}
    with database.transaction() as session:
        for number, (kind, presence, ago, (rest_s, batch)) in enumerate(
            product(DeviceKind, [*Presence, None], silences, profiles)
        ):
            device = Device(uid=f"{kind}-{number}", kind=kind, owner_id=owner.id)
            session.add(device)
            session.flush()
            session.add(DeviceLast(device_id=device.id, last_seen_at=at - ago, presence=presence))
            session.add(
                DeviceConfig(device_id=device.id, version=1, rest_s=rest_s, batch=batch, changed_at=at)
            )
            patience = rules.patience(kind, rest_s, batch)
            expected[rules.seen(presence, at - ago, patience, at=at)].append(device.uid)
    make_device(database, owner, uid="never-heard")
    expected["offline"].append("never-heard")
    for presence_word, names in expected.items():
        assert names
        assert sorted(all_uids(api, owner, presence=presence_word)) == sorted(names)


def test_devices_are_listed_by_kind_and_the_retired_apart(api: Api, database: Database) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="watch")
    make_device(database, owner, uid="old")
    assert api.post(f"{DEVICES}old/retire/", owner).status_code == 200
    assert uids(api, owner) == ["watch"]
    assert uids(api, owner, kind="phone") == []
    assert uids(api, owner, kind=["phone", "watch"]) == ["watch"]
    assert uids(api, owner, retired=True) == ["old"]
    assert api.get(DEVICES, owner, params={"colour": "red"}).status_code == 422


def test_an_owner_names_a_device_and_what_is_left_out_stays(api: Api, database: Database) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="mine")
    named = api.call(
        "PATCH", f"{DEVICES}mine/", owner, json={"name": "Grandma", "sim_number": "+998 90 1112233"}
    )
    assert named.status_code == 200
    assert (named.json()["name"], named.json()["model"]) == ("Grandma", "T-Watch 5")
    assert named.json()["sim_number"] == "+998901112233"
    bare = api.call("PATCH", f"{DEVICES}mine/", owner, json={"sim_number": None})
    assert (bare.json()["name"], bare.json()["sim_number"]) == ("Grandma", None)


@pytest.mark.parametrize("wrong", [{"sim_number": "none"}, {"colour": "red"}, {"name": "x" * 101}])
def test_a_wrong_change_is_named_and_changes_nothing(
    api: Api, database: Database, wrong: dict[str, str]
) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="mine")
    answer = api.call("PATCH", f"{DEVICES}mine/", owner, json={"model": "other"} | wrong)
    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == set(wrong)
    assert api.get(f"{DEVICES}mine/", owner).json()["model"] == "T-Watch 5"


def test_a_retired_device_loses_its_login_and_an_open_call_stays_open(api: Api, database: Database) -> None:
    owner = make_user(database)
    with database.transaction() as session:
        device, _ = register_device(session, owner.id, uid="mine")
    reported = report(database, device)
    first = api.post(f"{DEVICES}mine/retire/", owner).json()
    assert first["retired_at"] == api.post(f"{DEVICES}mine/retire/", owner).json()["retired_at"]
    with database.transaction() as session:
        assert session.get_one(MqttCredential, "mine").revoked_at is not None
        assert session.get_one(Incident, reported.incident_id).state == IncidentState.ACTIVE
    assert api.post(f"{DEVICES}mine/rotate/", owner, json={}).status_code == 409


def test_a_dispatcher_sees_anothers_device_and_may_not_change_it(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    make_device(database, make_user(database), uid="hers")
    assert api.get(f"{DEVICES}hers/", desk).status_code == 200
    for action, body in (("retire", None), ("transfer", {"phone": desk.phone}), ("rotate", {})):
        assert api.post(f"{DEVICES}hers/{action}/", desk, json=body).status_code == 403


def test_a_status_is_answered_with_the_whole_device(api: Api, database: Database) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="mine")
    said = {
        "battery_level": 85,
        "is_online": True,
        "lat": 41.311081,
        "lon": 69.240562,
        "last_seen_via": "LTE",
    }
    answer = api.call("PATCH", f"{DEVICES}mine/status/", owner, json=said | {"unknown": 1})
    assert answer.status_code == 200, answer.text
    assert answer.json().items() >= said.items()
    assert answer.json()["presence"] == "online"


def test_what_a_status_leaves_out_stays_as_it_was(api: Api, database: Database) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="mine")
    path = f"{DEVICES}mine/status/"
    api.call("PATCH", path, owner, json={"battery_level": 85, "is_online": False, "last_seen_via": "LTE"})
    answer = api.call("PATCH", path, owner, json={"battery_level": 84}).json()
    assert (answer["battery_level"], answer["presence"], answer["last_seen_via"]) == (84, "offline", "LTE")
    assert api.call("PATCH", path, owner, json={}).status_code == 200


def test_a_location_is_stored_as_a_frame_would_be(api: Api, database: Database) -> None:
    owner = make_user(database)
    device = make_device(database, owner, uid="mine")
    fix = {"lat": 41.311081, "lon": 69.240562, "speed": 5.5, "direction": 180.0, "battery_level": 84}
    for _ in range(2):
        answer = api.post(f"{DEVICES}mine/location/", owner, json=fix)
        assert (answer.status_code, answer.json()) == (201, {"status": "location recorded"})
    with database.transaction() as session:
        rows = session.scalars(select(Position).where(Position.device_id == device.id)).all()
        last = session.get_one(DeviceLast, device.id)
    assert [(row.speed_mps, row.direction_deg, row.battery_pct) for row in rows] == [(5.5, 180.0, 84)] * 2
    assert (last.lat, last.battery_pct, last.last_seen_via, last.presence) == (41.311081, 84, "http", None)


def test_an_older_location_never_moves_what_is_last_known_back(api: Api, database: Database) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="mine")
    now = datetime.now(UTC)
    for minutes, lat in ((1, 41.3), (9, 40.0)):
        fix = {"lat": lat, "lon": 69.2, "timestamp": (now - timedelta(minutes=minutes)).isoformat()}
        assert api.post(f"{DEVICES}mine/location/", owner, json=fix).status_code == 201
    assert api.get(f"{DEVICES}mine/", owner).json()["lat"] == 41.3


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"lat": 91, "lon": 1}, {"lat": "above 90"}),
        ({"lat": 1}, {"lon": "missing"}),
        ({"lat": 0, "lon": 0}, {"lat": "lat and lon: 0, 0 is no fix"}),
        (
            {"lat": 1, "lon": 1, "speed": -1, "battery_level": 101},
            {"speed": "below 0", "battery_level": "above 100"},
        ),
    ],
)
def test_a_bad_location_is_refused_by_the_rules_for_frames(
    api: Api, database: Database, said: dict[str, Any], wrong: dict[str, str]
) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="mine")
    answer = api.post(f"{DEVICES}mine/location/", owner, json=said)
    assert answer.status_code == 422
    assert wrong_fields(answer) == wrong
    with database.transaction() as session:
        assert session.scalars(select(Position)).all() == []


def test_a_bad_field_of_a_status_is_named_and_nothing_is_stored(api: Api, database: Database) -> None:
    owner = make_user(database)
    device = make_device(database, owner, uid="mine")
    path = f"{DEVICES}mine/status/"
    for said, field in (
        ({"is_online": "maybe"}, "is_online"),
        ({"battery_level": 300}, "battery_level"),
        ({"battery_level": 30, "lat": 41.0}, "lon"),
        ({"last_seen_via": "x" * 40}, "last_seen_via"),
    ):
        answer = api.call("PATCH", path, owner, json=said)
        assert answer.status_code == 422
        assert field in wrong_fields(answer)
    with database.transaction() as session:
        assert queries.get_device(session, "mine", seen_by=Device.id == device.id).last is None


def test_nobody_speaks_for_anothers_device_not_even_an_admin(api: Api, database: Database) -> None:
    make_device(database, make_user(database), uid="hers")
    admin = make_user(database, Role.ADMIN)
    assert api.call("PATCH", f"{DEVICES}hers/status/", admin, json={}).status_code == 404
    assert api.post(f"{DEVICES}hers/location/", admin, json={"lat": 1, "lon": 1}).status_code == 404


@pytest.mark.parametrize("uid", ["%00", "a%20b", "x" * 65, "%F0%9F%92%A5"])
def test_what_no_device_can_be_called_is_refused(api: Api, database: Database, uid: str) -> None:
    owner = make_user(database)
    for method, action in (("GET", ""), ("PATCH", "status/"), ("POST", "retire/"), ("GET", "commands/")):
        answer = api.call(method, f"{DEVICES}{uid}/{action}", owner)
        assert answer.status_code == 422
        assert set(wrong_fields(answer)) <= {"uid", "device_uid"}


def test_the_name_of_an_address_of_our_own_is_no_uid(api: Api, database: Database) -> None:
    answer = api.post(DEVICES, make_user(database), json={"device_uid": "stragglers"})
    assert answer.status_code == 409
