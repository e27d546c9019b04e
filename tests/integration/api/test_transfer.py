"""A device changes hands: nothing of the one before reaches the one after, and the other way round."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.devices.service import register_device
from broker.keeper import read_accounts
from broker.passwords import matches
from db.models import Device, DeviceCommand, DeviceConfig, DeviceLast, MqttCredential, Notification, User
from db.session import Database
from db.states import Outcome, Role
from dispatch import commands
from dispatch.sos import cancelling, service
from notifier.channels import topic
from tests.builders import make_user, report, set_pins
from tests.integration.api.speaking import Api, wrong_fields

MINE = "/api/v1/devices/mine/"


@pytest.fixture
def owner(database: Database) -> User:
    return make_user(database)


@pytest.fixture
def other(database: Database) -> User:
    return make_user(database)


@pytest.fixture
def device(database: Database, owner: User) -> Device:
    with database.transaction() as session:
        return register_device(session, owner.id, uid="mine")[0]


def transfer(api: Api, by: User, to: User, **said: Any) -> dict[str, Any]:
    answer = api.post(f"{MINE}transfer/", by, json={"phone": to.phone} | said)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rotate(api: Api, by: User, **said: Any) -> dict[str, Any]:
    answer = api.post(f"{MINE}rotate/", by, json=said)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def working(database: Database) -> dict[str, str]:
    """Usernames and hashes as the keeper would write them now."""
    with database.transaction() as session:
        return {account.username: account.password_hash for account in read_accounts(session)}


def client_ids(database: Database) -> set[str]:
    with database.transaction() as session:
        return set(session.scalars(select(MqttCredential.client_id)))


@pytest.mark.usefixtures("device")
def test_a_device_is_given_to_another_and_is_then_theirs_alone(api: Api, owner: User, other: User) -> None:
    transfer(api, owner, other)
    assert api.get(MINE, owner).status_code == 404
    assert api.get(MINE, other).status_code == 200


@pytest.mark.usefixtures("device")
def test_nobody_is_made_an_owner_who_is_not_registered(api: Api, database: Database, owner: User) -> None:
    answer = api.post(f"{MINE}transfer/", owner, json={"phone": "+998909999999"})
    assert answer.status_code == 422
    assert "phone" in wrong_fields(answer)
    assert api.get(MINE, owner).status_code == 200
    assert working(database)


@pytest.mark.usefixtures("device")
def test_the_login_ends_with_the_transfer_and_the_new_owner_rotates_to_get_one(
    api: Api, database: Database, owner: User, other: User
) -> None:
    before = client_ids(database)
    given = transfer(api, owner, other)
    assert given["old_until"] is None
    assert "mqtt" not in given
    assert working(database) == {}
    assert api.post(f"{MINE}rotate/", owner, json={}).status_code == 404
    new = rotate(api, other)
    assert new["old_until"] is None
    # With no login left beside it, it bears the first name again.
    assert (new["mqtt"]["username"], new["mqtt"]["login"]) == ("mine", 2)
    assert new["mqtt"]["client_id"] not in before
    assert matches(new["mqtt"]["password"], working(database)["mine"])


@pytest.mark.usefixtures("device")
def test_a_watch_on_a_wrist_goes_on_for_an_overlap_if_that_is_asked_for(
    api: Api, database: Database, owner: User, other: User
) -> None:
    before = client_ids(database)
    until = transfer(api, owner, other, overlap_s=3600)["old_until"]
    assert set(working(database)) == {"mine"}
    # However long the new owner's own overlap is, the login of the one before ends when it was to end.
    new = rotate(api, other, overlap_s=86_400)
    assert new["old_until"] == until
    assert new["mqtt"]["client_id"] not in before
    assert set(working(database)) == {"mine", new["mqtt"]["username"]}
    with database.transaction() as session:
        ends = session.get_one(MqttCredential, "mine").expires_at
    assert ends == datetime.fromisoformat(until)


@pytest.mark.usefixtures("device")
def test_the_new_owner_may_end_the_overlap_at_once(
    api: Api, database: Database, owner: User, other: User
) -> None:
    transfer(api, owner, other, overlap_s=3600)
    new = rotate(api, other, stolen=True)
    accounts = working(database)
    assert list(accounts) == ["mine"]
    assert matches(new["mqtt"]["password"], accounts["mine"])


@pytest.mark.usefixtures("device")
def test_an_overlap_is_not_put_on_top_of_one_that_is_open(
    api: Api, database: Database, owner: User, other: User
) -> None:
    rotate(api, owner)
    refused = api.post(f"{MINE}transfer/", owner, json={"phone": other.phone, "overlap_s": 60})
    assert (refused.status_code, refused.json()["code"]) == (409, "rotation_open")
    assert len(working(database)) == 2
    transfer(api, owner, other)
    assert working(database) == {}


@pytest.mark.usefixtures("device")
def test_given_to_who_has_it_already_it_goes_on_as_it_was(api: Api, database: Database, owner: User) -> None:
    assert transfer(api, owner, owner)["device_uid"] == "mine"
    assert set(working(database)) == {"mine"}


def test_a_device_from_the_factory_keeps_its_login_when_it_gets_its_first_owner(
    api: Api, database: Database, other: User
) -> None:
    admin = make_user(database, Role.ADMIN)
    api.post("/api/v1/devices/bulk/", admin, content=b"uid\nmine\n")
    before = working(database)
    transfer(api, admin, other)
    assert working(database) == before


def test_nobody_is_cut_off_in_the_midst_of_a_call(
    api: Api, database: Database, device: Device, owner: User, other: User
) -> None:
    desk = make_user(database, Role.DISPATCHER)
    reported = report(database, device, at=api.now())
    answer = api.post(f"{MINE}transfer/", owner, json={"phone": other.phone})
    assert (answer.status_code, answer.json()["code"]) == (409, "call_open")
    assert working(database)
    with database.transaction() as session:
        service.resolve(session, reported.incident_id, by=desk.id, outcome=Outcome.ASSISTED, at=api.now())
    transfer(api, owner, other)


@pytest.mark.parametrize("pin", ["4711", "9999"])
def test_after_a_duress_pin_a_device_changes_hands_as_after_a_real_end(
    api: Api, database: Database, device: Device, owner: User, other: User, pin: str
) -> None:
    set_pins(database, owner, pin="4711", duress_pin="9999")
    report(database, device, at=api.now(), frame_id="7f3a")
    with database.transaction() as session:
        cancelling.cancel(session, device.id, frame_id="7f3a", pin=pin, at=api.now())
        assert topic.state(session, device.uuid).payload == b'{"id":"7f3a","s":"resolved"}'
    assert transfer(api, owner, other)["old_until"] is None
    assert working(database) == {}
    with database.transaction() as session:
        assert topic.state(session, device.uuid).payload == b""


def test_staff_is_told_that_a_call_goes_on_after_a_duress_pin(
    api: Api, database: Database, device: Device, owner: User, other: User
) -> None:
    set_pins(database, owner, pin="4711", duress_pin="9999")
    report(database, device, at=api.now(), frame_id="7f3a")
    with database.transaction() as session:
        cancelling.cancel(session, device.id, frame_id="7f3a", pin="9999", at=api.now())
    admin = make_user(database, Role.ADMIN)
    answer = api.post(f"{MINE}transfer/", admin, json={"phone": other.phone})
    assert (answer.status_code, answer.json()["code"]) == (409, "call_open")
    assert working(database)


def test_the_new_owner_sees_neither_where_it_was_nor_what_it_was_asked(
    api: Api, database: Database, device: Device, owner: User, other: User
) -> None:
    api.post(f"{MINE}location/", owner, json={"lat": 41.3, "lon": 69.2, "battery_level": 84})
    api.post(f"{MINE}commands/", owner, json={"do": "message", "text": "I miss you"})
    given = transfer(api, owner, other)
    for shown in (given, api.get(MINE, other).json(), api.get("/api/v1/devices/", other).json()["items"][0]):
        assert (shown["lat"], shown["lon"], shown["position_at"]) == (None, None, None)
        # How the device itself is, is the new owner's to know.
        assert shown["battery_level"] == 84
    assert api.get(f"{MINE}commands/", other).json()["items"] == []
    desk = make_user(database, Role.DISPATCHER)
    assert api.get(MINE, desk).json()["lat"] == 41.3
    (asked,) = api.get(f"{MINE}commands/", desk).json()["items"]
    assert (asked["text"], asked["state"]) == ("I miss you", "expired")
    # A call for help still starts from the place that is known.
    with database.transaction() as session:
        assert session.get_one(DeviceLast, device.id).lat == 41.3
    api.later(seconds=1)
    api.post(f"{MINE}location/", other, json={"lat": 41.4, "lon": 69.3})
    api.post(f"{MINE}commands/", other, json={"do": "ring"})
    assert api.get(MINE, other).json()["lat"] == 41.4
    assert [each["do"] for each in api.get(f"{MINE}commands/", other).json()["items"]] == ["ring"]


def test_the_profile_of_the_one_before_is_taken_back_under_a_newer_version(
    api: Api, database: Database, device: Device, owner: User, other: User
) -> None:
    api.call("PUT", f"{MINE}config/", owner, json={"rest_s": 600, "batch": 20})
    transfer(api, owner, other)
    with database.transaction() as session:
        config = session.get_one(DeviceConfig, device.id)
        asked = session.scalars(select(Notification.kind).where(Notification.subject == device.uuid)).all()
    assert (config.version, config.rest_s, config.batch) == (2, None, None)
    assert sorted(asked) == ["config", "config", "state"]


def test_a_reply_to_what_was_asked_before_is_still_kept(
    api: Api, database: Database, device: Device, owner: User, other: User
) -> None:
    api.post(f"{MINE}commands/", owner, json={"do": "ring"})
    transfer(api, owner, other)
    with database.transaction() as session:
        command = session.scalars(select(DeviceCommand)).one()
        assert command.expires_at - command.asked_at < timedelta(minutes=1)
        assert commands.settle(session, device.id, command.frame_id, ok=True, why=None, at=datetime.now(UTC))
