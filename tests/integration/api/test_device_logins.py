"""Renewing a device's login: old and new side by side, and who has not moved over."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from api.devices.service import register_device
from broker.keeper import read_accounts
from broker.passwords import matches
from db import telemetry
from db.models import Device, MqttCredential, User
from db.samples import Batch, PresenceRow
from db.session import Database
from db.states import Presence, Role
from tests.builders import make_user
from tests.integration.api.speaking import Api

DEVICES = "/api/v1/devices/"


def register(database: Database, uid: str = "watch-1") -> tuple[User, Device, str]:
    owner = make_user(database)
    with database.transaction() as session:
        device, secret = register_device(session, owner.id, uid=uid)
    return owner, device, secret


def rotate(api: Api, owner: User, uid: str = "watch-1", **said: Any) -> dict[str, Any]:
    answer = api.post(f"{DEVICES}{uid}/rotate/", owner, json=said)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def working(database: Database) -> dict[str, str]:
    """Usernames and hashes as the keeper would write them now."""
    with database.transaction() as session:
        return {account.username: account.password_hash for account in read_accounts(session)}


def stragglers(api: Api, by: User) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get(f"{DEVICES}stragglers/", by).json()["items"]
    return items


def says_login(database: Database, device: Device, number: int | None) -> None:
    said = PresenceRow(device.id, datetime.now(UTC), None, Presence.ONLINE, None, None, None, number)
    with database.transaction() as session:
        telemetry.store(session, Batch(presences=[said]), lane="test")


def test_during_the_overlap_the_old_and_the_new_login_work(api: Api, database: Database) -> None:
    owner, _, old = register(database)
    new = rotate(api, owner)["mqtt"]
    assert (new["username"], new["topics"]) == ("mayday/v1/dev/watch-1", "mayday/v1/dev/watch-1")
    accounts = working(database)
    assert matches(old, accounts["watch-1"])
    assert matches(new["password"], accounts[new["username"]])
    with database.transaction() as session:
        assert len(set(session.scalars(select(MqttCredential.client_id)))) == 1


def test_a_second_rotation_waits_for_the_first_unless_the_device_was_stolen(
    api: Api, database: Database
) -> None:
    owner, _, old = register(database)
    first = rotate(api, owner)
    again = api.post(f"{DEVICES}watch-1/rotate/", owner, json={})
    assert (again.status_code, again.json()["code"]) == (409, "rotation_open")
    stolen = rotate(api, owner, stolen=True)
    assert stolen["old_until"] is None
    assert stolen["mqtt"]["client_id"] != first["mqtt"]["client_id"]
    accounts = working(database)
    assert list(accounts) == ["watch-1"]
    assert matches(stolen["mqtt"]["password"], accounts["watch-1"])
    assert not matches(old, accounts["watch-1"])


def test_the_names_take_turns_once_an_overlap_has_ended(api: Api, database: Database) -> None:
    owner, _, _ = register(database)
    assert rotate(api, owner, overlap_s=60)["mqtt"]["login"] == 2
    api.later(seconds=61)
    second = rotate(api, owner, overlap_s=60)
    assert (second["mqtt"]["username"], second["mqtt"]["login"]) == ("watch-1", 3)
    assert set(working(database)) == {"watch-1", "mayday/v1/dev/watch-1"}


def test_a_straggler_is_listed_until_it_says_that_it_has_the_new_login(api: Api, database: Database) -> None:
    owner, device, _ = register(database)
    register(database, "another")
    assert stragglers(api, owner) == []
    until = rotate(api, owner, overlap_s=3600)["old_until"]
    says_login(database, device, None)
    found = stragglers(api, owner)
    assert [(each["device_uid"], each["cut_off"]) for each in found] == [("watch-1", False)]
    assert found[0]["old_until"] == until
    assert found[0]["last_seen_ago_s"] < 60
    says_login(database, device, 1)
    assert stragglers(api, owner)
    says_login(database, device, 2)
    says_login(database, device, None)
    assert stragglers(api, owner) == []


def test_who_missed_the_overlap_is_still_listed_as_cut_off(api: Api, database: Database) -> None:
    owner, _, _ = register(database)
    rotate(api, owner, overlap_s=60)
    api.later(seconds=61)
    assert [each["cut_off"] for each in stragglers(api, owner)] == [True]


def test_a_desk_sees_all_stragglers_and_an_owner_their_own(api: Api, database: Database) -> None:
    first, _, _ = register(database, "one")
    second, _, _ = register(database, "two")
    rotate(api, first, "one", overlap_s=600)
    rotate(api, second, "two", overlap_s=60)
    desk = make_user(database, Role.DISPATCHER)
    assert [each["device_uid"] for each in stragglers(api, desk)] == ["two", "one"]
    assert [each["device_uid"] for each in stragglers(api, first)] == ["one"]
    page = api.get(f"{DEVICES}stragglers/", desk, params={"limit": 1}).json()
    rest = api.get(f"{DEVICES}stragglers/", desk, params={"cursor": page["next"]}).json()
    assert [each["device_uid"] for each in rest["items"]] == ["one"]
