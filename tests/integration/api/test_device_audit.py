"""What staff does to devices that are not their own is in the audit log; what owners do is not."""

import json
from typing import Any

import pytest

from api.devices.service import register_device
from db.models import User
from db.session import Database
from db.states import Role
from tests.builders import make_device, make_user
from tests.integration.api.speaking import Api

HERS = "/api/v1/devices/hers/"

Act = tuple[str, str, dict[str, Any]]

ACTS: dict[str, Act] = {
    "device.changed": ("PATCH", HERS, {"json": {"name": "Grandma", "sim_number": "12345"}}),
    "device.configured": ("PUT", f"{HERS}config/", {"json": {"rest_s": 600}}),
    "device.asked": ("POST", f"{HERS}commands/", {"json": {"do": "message", "text": "Hello"}}),
    "device.rotated": ("POST", f"{HERS}rotate/", {"json": {"overlap_s": 60}}),
    "device.retired": ("POST", f"{HERS}retire/", {}),
}


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN, name="Root")


@pytest.fixture
def owner(database: Database) -> User:
    person = make_user(database)
    with database.transaction() as session:
        register_device(session, person.id, uid="hers")
    return person


def log(api: Api, admin: User, **wanted: Any) -> list[dict[str, Any]]:
    """The newest last."""
    items: list[dict[str, Any]] = api.get("/api/v1/audit/", admin, params=wanted).json()["items"]
    return items[::-1]


def do(api: Api, by: User, act: Act) -> Any:
    method, path, said = act
    answer = api.call(method, path, by, **said)
    assert answer.is_success, answer.text
    return answer.json()


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("action", ACTS)
def test_an_act_of_an_admin_is_written_down_with_its_device(api: Api, admin: User, action: str) -> None:
    do(api, admin, ACTS[action])
    (entry,) = log(api, admin)
    assert (entry["action"], entry["subject_kind"], entry["subject_id"]) == (action, "device", "hers")
    assert entry["actor"]["uuid"] == str(admin.uuid)
    assert entry["address"] == "testclient"
    assert log(api, admin, subject_kind="device", subject_id="hers") == [entry]


@pytest.mark.parametrize("action", ACTS)
def test_what_an_owner_does_is_not_written_down_not_even_an_admins_own(
    api: Api, database: Database, admin: User, owner: User, action: str
) -> None:
    do(api, owner, ACTS[action])
    with database.transaction() as session:
        register_device(session, admin.id, uid="his")
    method, path, said = ACTS[action]
    do(api, admin, (method, path.replace("hers", "his"), said))
    assert log(api, admin) == []


@pytest.mark.usefixtures("owner")
def test_an_act_that_changes_nothing_or_is_refused_leaves_no_line(
    api: Api, database: Database, admin: User
) -> None:
    desk = make_user(database, Role.DISPATCHER)
    for action in ("device.changed", "device.configured", "device.retired"):
        do(api, admin, ACTS[action])
        before = log(api, admin)
        method, path, said = ACTS[action]
        api.call(method, path, admin, **said)
        api.call(method, path, desk, **said)
        assert log(api, admin) == before


@pytest.mark.usefixtures("owner")
def test_a_dispatchers_command_is_written_down(api: Api, database: Database, admin: User) -> None:
    desk = make_user(database, Role.DISPATCHER)
    asked = do(api, desk, ACTS["device.asked"])
    (entry,) = log(api, admin, actor=str(desk.uuid))
    assert (entry["action"], entry["detail"]) == ("device.asked", {"do": "message", "command": asked["id"]})


def test_a_transfer_is_written_down_with_both_owners(
    api: Api, database: Database, admin: User, owner: User
) -> None:
    other = make_user(database)
    said = {"phone": other.phone, "overlap_s": 60}
    given = do(api, admin, ("POST", f"{HERS}transfer/", {"json": said}))
    (entry,) = log(api, admin)
    assert entry["action"] == "device.transferred"
    assert entry["detail"] == {
        "before": str(owner.uuid),
        "now": str(other.uuid),
        "old_until": entry["detail"]["old_until"],
    }
    assert entry["detail"]["old_until"][:19] == given["old_until"][:19]


def test_a_table_and_a_claim_code_are_written_down(api: Api, admin: User) -> None:
    do(api, admin, ("POST", "/api/v1/devices/bulk/", {"content": b"uid\nw-1\nw-2\nw-3\n"}))
    do(api, admin, ("POST", "/api/v1/devices/w-2/claim-code/", {}))
    created, code = log(api, admin)
    assert (created["action"], created["subject_kind"], created["subject_id"]) == (
        *("devices.created", "devices", "w-1"),
    )
    assert created["detail"] == {"last": "w-3", "count": 3}
    assert (code["action"], code["subject_id"]) == ("device.claim_code_given", "w-2")


@pytest.mark.usefixtures("owner")
def test_no_secret_is_in_the_log(api: Api, database: Database, admin: User) -> None:
    make_device(database, uid="boxed")
    secret = do(api, admin, ACTS["device.rotated"])["mqtt"]
    code = do(api, admin, ("POST", "/api/v1/devices/boxed/claim-code/", {}))
    (made,) = do(api, admin, ("POST", "/api/v1/devices/bulk/", {"content": b"uid\nw-1\n"}))
    written = json.dumps(log(api, admin))
    for hidden in (secret["password"], secret["client_id"], code["claim_code"], made["password"]):
        assert hidden not in written
