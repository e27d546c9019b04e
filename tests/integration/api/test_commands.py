"""Asking a device for something, and its reply."""

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from db.models import Device, DeviceCommand, Notification, User
from db.session import Database
from dispatch import commands
from notifier.channels import topic
from tests.builders import make_device, make_user
from tests.integration.api.speaking import Api


def test_a_command_is_a_row_that_the_devices_reply_closes(api: Api, database: Database) -> None:
    owner = make_user(database)
    device = make_device(database, owner, uid="mine")
    path = "/api/v1/devices/mine/commands/"
    asked = api.post(path, owner, json={"do": "report", "every_s": 10, "span_s": 600})
    assert asked.status_code == 201, asked.text
    assert asked.json()["replied_at"] is None
    with database.transaction() as session:
        request = session.scalars(select(Notification)).one()
        message = topic.RENDER[request.kind](session, request.subject)
    frame = json.loads(message.payload)
    assert isinstance(message, topic.Passing)
    assert message.topic == "mayday/v1/dev/mine/cmd"
    assert frame["until"] == int(message.until.timestamp())
    assert (frame["do"], frame["every"], frame["span"]) == ("report", 10, 600)
    stranger = make_device(database)
    with database.transaction() as session:
        for whose in (stranger, device):
            known = commands.settle(session, whose.id, frame["id"], ok=False, why="asleep", at=api.now())
            assert known is (whose is device)
        assert commands.settle(session, device.id, frame["id"], ok=True, why=None, at=api.now())
    (found,) = api.get(path, owner).json()["items"]
    assert (found["id"], found["ok"], found["why"]) == (asked.json()["id"], False, "asleep")
    assert found["asked_by"] == str(owner.uuid)


def states(api: Api, by: User) -> list[str]:
    return [each["state"] for each in api.get("/api/v1/devices/mine/commands/", by).json()["items"]]


def test_a_command_without_a_reply_expires_and_a_late_reply_is_still_shown(
    api: Api, database: Database
) -> None:
    owner = make_user(database)
    device = make_device(database, owner, uid="mine")
    path = "/api/v1/devices/mine/commands/"
    asked = [api.post(path, owner, json={"do": "ring"}).json() for _ in range(2)]
    lasting = api.post(path, owner, json={"do": "locate", "valid_s": 3600}).json()
    assert asked[0]["state"] == "waiting"
    lasts = [datetime.fromisoformat(each["expires_at"]) for each in (asked[0], lasting)]
    begun = [datetime.fromisoformat(each["asked_at"]) for each in (asked[0], lasting)]
    assert [until - at for until, at in zip(lasts, begun, strict=True)] == [
        timedelta(minutes=5),
        timedelta(hours=1),
    ]
    api.later(minutes=5)
    assert states(api, owner) == ["waiting", "expired", "expired"]
    with database.transaction() as session:
        first, second = session.scalars(
            select(DeviceCommand.id).where(DeviceCommand.do == "ring").order_by(DeviceCommand.id)
        )
        commands.settle(session, device.id, f"c{first}", ok=True, why=None, at=api.now())
        commands.settle(session, device.id, f"c{second}", ok=False, why="late", at=api.now())
    assert states(api, owner) == ["waiting", "refused", "done"]
    late = api.get(path, owner).json()["items"][1]
    assert (late["ok"], late["why"]) == (False, "late")
    assert late["replied_at"] > late["expires_at"]


@pytest.mark.parametrize("frame_id", ["c", "7", "c-1", "cx", "c99", "c" + "9" * 30, "c٣"])
def test_a_reply_to_nothing_closes_nothing(database: Database, api: Api, frame_id: str) -> None:
    device = make_device(database)
    with database.transaction() as session:
        assert not commands.settle(session, device.id, frame_id, ok=True, why=None, at=api.now())


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"do": "explode"},
        {"do": "report"},
        {"do": "message"},
        {"do": "locate", "text": "hello"},
        {"do": "message", "text": "x" * 121},
        {"do": "locate", "colour": "red"},
        {"do": "locate", "valid_s": 4},
        {"do": "locate", "valid_s": 7 * 86_400 + 1},
    ],
)
def test_a_wrong_command_is_refused_and_asks_nothing(
    api: Api, database: Database, wrong: dict[str, str]
) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="mine")
    assert api.post("/api/v1/devices/mine/commands/", owner, json=wrong).status_code == 422
    assert api.get("/api/v1/devices/mine/commands/", owner).json()["items"] == []


def test_a_profile_is_shown_and_retained_under_a_growing_version(api: Api, database: Database) -> None:
    owner = make_user(database)
    device = make_device(database, owner, uid="mine")
    path = "/api/v1/devices/mine/config/"
    assert api.get(path, owner).json() == dict.fromkeys(commands.PROFILE) | {"version": 0, "changed_at": None}
    versions = [
        api.call("PUT", path, owner, json=profile).json()["version"]
        for profile in ({"rest_s": 600}, {"rest_s": 600}, {"rest_s": 900, "batch": 20})
    ]
    assert versions == [1, 1, 2]
    shown = api.get(path, owner).json()
    assert shown.pop("changed_at")
    assert shown == dict.fromkeys(commands.PROFILE) | {"version": 2, "rest_s": 900, "batch": 20}
    with database.transaction() as session:
        message = topic.config(session, session.get_one(Device, device.id).uuid)
    assert message.topic == "mayday/v1/dev/mine/config"
    assert json.loads(message.payload) == {"version": 2, "rest": 900, "batch": 20}


def test_a_retired_device_is_asked_nothing(api: Api, database: Database) -> None:
    owner = make_user(database)
    make_device(database, owner, uid="mine")
    api.post("/api/v1/devices/mine/retire/", owner)
    assert api.post("/api/v1/devices/mine/commands/", owner, json={"do": "ring"}).status_code == 409
    assert api.call("PUT", "/api/v1/devices/mine/config/", owner, json={}).status_code == 409
