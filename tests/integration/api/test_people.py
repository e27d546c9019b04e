"""Roles, blocks and regions, and the log of them."""

import threading
import uuid
from typing import Any

import pytest
from sqlalchemy import select

from api.people import service
from db.audit import Actor
from db.models import AuditEntry, Incident, MqttCredential, Region, User
from db.session import Database
from db.states import Role
from tests.builders import NOON, make_device, make_user, report
from tests.integration.api.speaking import Api, log_in, wrong_fields


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN, name="Root")


def log(api: Api, admin: User, **wanted: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/api/v1/audit/", admin, params=wanted).json()["items"]
    return items


def add_region(database: Database, slug: str) -> None:
    with database.transaction() as session:
        session.add(Region(slug=slug, name=slug.title()))


def test_people_are_found_by_part_of_their_name_or_phone(api: Api, database: Database, admin: User) -> None:
    nodira = make_user(database, name="Nodira 100%")
    for search in ("odira", "NODIRA", "100%", str(nodira.phone)[4:]):
        (found,) = api.get("/api/v1/users/", admin, params={"search": search}).json()["items"]
        assert found["uuid"] == str(nodira.uuid)
    assert api.get("/api/v1/users/", admin, params={"search": "%%"}).json()["items"] == []


def test_people_are_listed_by_role_page_by_page(api: Api, database: Database, admin: User) -> None:
    drivers = {str(make_user(database, Role.DRIVER).uuid) for _ in range(3)}
    seen, cursor = set(), None
    for _ in range(3):
        wanted = {"role": "driver", "limit": 1} | ({"cursor": cursor} if cursor else {})
        page = api.get("/api/v1/users/", admin, params=wanted).json()
        seen |= {each["uuid"] for each in page["items"]}
        cursor = page["next"]
    assert (seen, cursor) == (drivers, None)


def test_a_granted_role_counts_at_once_and_until_it_is_taken(
    api: Api, database: Database, admin: User
) -> None:
    ann = make_user(database)
    role = f"/api/v1/users/{ann.uuid}/roles/admin/"
    for _ in range(2):
        assert api.call("PUT", role, admin).json()["roles"] == ["admin", "customer"]
    assert api.get("/api/v1/audit/", ann).status_code == 200
    for _ in range(2):
        assert api.call("DELETE", role, admin).json()["roles"] == ["customer"]
    assert api.get("/api/v1/audit/", ann).status_code == 403
    assert [each["action"] for each in log(api, admin)] == ["role.taken", "role.granted"]


def test_an_unknown_role_or_person_is_told(api: Api, admin: User) -> None:
    assert api.call("PUT", f"/api/v1/users/{admin.uuid}/roles/king/", admin).status_code == 422
    assert api.call("PUT", f"/api/v1/users/{uuid.uuid4()}/roles/helper/", admin).status_code == 404


def test_the_last_admin_stays_one(api: Api, database: Database, admin: User) -> None:
    own = f"/api/v1/users/{admin.uuid}"
    for method, path in (("DELETE", f"{own}/roles/admin/"), ("POST", f"{own}/block/")):
        answer = api.call(method, path, admin)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    second = make_user(database, Role.ADMIN)
    api.post(f"/api/v1/users/{second.uuid}/block/", admin)
    assert api.call("DELETE", f"{own}/roles/admin/", admin).status_code == 409
    api.post(f"/api/v1/users/{second.uuid}/unblock/", admin)
    assert api.call("DELETE", f"{own}/roles/admin/", admin).status_code == 200


def test_two_admins_cannot_shut_each_other_out_at_the_same_time(database: Database) -> None:
    admins = [make_user(database, Role.ADMIN) for _ in range(2)]
    start = threading.Barrier(2)
    refused = []

    def shut_out(by: User, other: User) -> None:
        start.wait()
        try:
            with database.transaction() as session:
                service.block(session, other.uuid, actor=Actor(by.id, ""), at=NOON)
        except service.LastAdmin:
            refused.append(by)

    threads = [threading.Thread(target=shut_out, args=pair) for pair in (admins, admins[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1


def test_a_block_ends_every_login_and_stays_ended(api: Api, database: Database, admin: User) -> None:
    ann = make_user(database)
    login = log_in(api, database, ann)
    assert api.post(f"/api/v1/users/{ann.uuid}/block/", admin).json()["status"] == "blocked"
    assert api.get("/api/v1/incidents/", login.access).status_code == 401
    assert api.post(f"/api/v1/users/{ann.uuid}/unblock/", admin).json()["status"] == "active"
    assert api.get("/api/v1/incidents/", login.access).status_code == 401
    assert api.post("/api/v1/auth/refresh/", json={"refresh": login.refresh}).status_code == 401
    assert log(api, admin, action="user.blocked")[0]["detail"] == {"sessions_ended": 1}


def test_the_log_says_who_did_what_to_whom_from_where(api: Api, database: Database, admin: User) -> None:
    ann = make_user(database)
    api.call("PUT", f"/api/v1/users/{ann.uuid}/roles/helper/", admin)
    (entry,) = log(api, admin)
    assert entry | {"id": 0, "at": ""} == {
        "id": 0,
        "at": "",
        "actor": {"uuid": str(admin.uuid), "full_name": "Root"},
        "action": "role.granted",
        "subject_kind": "user",
        "subject_id": str(ann.uuid),
        "detail": {"role": "helper"},
        "address": "testclient",
    }


def test_the_log_is_searched_by_what_stands_in_it(api: Api, database: Database, admin: User) -> None:
    other = make_user(database, Role.ADMIN)
    ann, ben = make_user(database), make_user(database)
    api.call("PUT", f"/api/v1/users/{ann.uuid}/roles/helper/", admin)
    middle = api.now().isoformat()
    api.later(minutes=1)
    api.call("PUT", f"/api/v1/users/{ben.uuid}/roles/driver/", other)
    for wanted in (
        {"actor": str(other.uuid)},
        {"subject_kind": "user", "subject_id": str(ben.uuid)},
        {"since": middle},
        {"limit": 1},
    ):
        assert [each["subject_id"] for each in log(api, admin, **wanted)] == [str(ben.uuid)], wanted
    assert [each["subject_id"] for each in log(api, admin, until=middle)] == [str(ann.uuid)]
    first = api.get("/api/v1/audit/?limit=1", admin).json()
    (last,) = log(api, admin, cursor=first["next"])
    assert last["subject_id"] == str(ann.uuid)
    assert "since" in wrong_fields(api.get("/api/v1/audit/?since=2026-01-01T00:00:00", admin))


def test_what_is_refused_leaves_no_line(api: Api, database: Database, admin: User) -> None:
    api.call("DELETE", f"/api/v1/users/{admin.uuid}/roles/admin/", admin)
    with database.transaction() as session:
        assert session.scalars(select(AuditEntry)).all() == []


def test_a_dispatcher_sees_and_takes_the_calls_of_their_regions_alone(
    api: Api, database: Database, admin: User
) -> None:
    for slug in ("tashkent", "samarkand"):
        add_region(database, slug)
    desk, wearer = make_user(database, Role.DISPATCHER), make_user(database)
    incidents = {}
    for slug in ("default", "tashkent", "samarkand"):
        incidents[slug] = report(database, make_device(database, wearer)).incident_id
        move(database, incidents[slug], slug)

    def seen(by: User) -> set[str]:
        return {each["region"] for each in api.get("/api/v1/incidents/", by).json()["items"]}

    assert seen(desk) == {"default", "tashkent", "samarkand"}
    path = f"/api/v1/users/{desk.uuid}/regions/"
    answer = api.call("PUT", path, admin, json={"regions": ["tashkent"]})
    assert answer.json() == {"regions": ["tashkent"], "unwatched": ["samarkand"]}
    assert seen(desk) == {"default", "tashkent"}
    assert seen(admin) == {"default", "tashkent", "samarkand"}
    far, near = (f"/api/v1/incidents/{incidents[slug]}/" for slug in ("samarkand", "tashkent"))
    assert api.get(far, desk).status_code == 404
    assert api.post(f"{far}ack/", desk).status_code == 404
    assert api.post(f"{far}resolve/", desk, json={"outcome": "assisted"}).status_code == 404
    assert api.get(far, admin).json()["state"] == "active"
    assert api.post(f"{near}ack/", desk).status_code == 200
    assert seen(wearer) == {"default", "tashkent", "samarkand"}
    api.call("PUT", path, admin, json={"regions": None})
    assert seen(desk) == {"default", "tashkent", "samarkand"}


def move(database: Database, incident: uuid.UUID, region: str) -> None:
    with database.transaction() as session:
        session.get_one(Incident, incident).region = region


def test_an_unknown_region_is_named_and_nothing_is_changed(api: Api, database: Database, admin: User) -> None:
    desk = make_user(database, Role.DISPATCHER)
    answer = api.call(
        "PUT", f"/api/v1/users/{desk.uuid}/regions/", admin, json={"regions": ["default", "atlantis"]}
    )
    assert answer.status_code == 422
    assert "atlantis" in wrong_fields(answer)["regions"]
    assert api.get(f"/api/v1/users/{desk.uuid}/", admin).json()["regions"] is None


@pytest.mark.parametrize("loss", ["DELETE roles/dispatcher", "POST block", "DELETE mqtt"])
def test_broker_access_ends_with_the_right_to_it(
    api: Api, database: Database, admin: User, loss: str
) -> None:
    desk = make_user(database, Role.DISPATCHER)
    given = api.post("/api/v1/dispatchers/me/mqtt/", desk).json()
    assert set(given) >= {"username", "password", "client_id", "host", "port"}
    method, what = loss.split()
    api.call(method, f"/api/v1/users/{desk.uuid}/{what}/", admin)
    with database.transaction() as session:
        assert session.get_one(MqttCredential, given["username"]).revoked_at is not None
    newest = log(api, admin)[0]
    assert (newest["action"], newest["detail"]) == ("mqtt.revoked", {"username": given["username"]})


def test_broker_access_follows_the_regions(api: Api, database: Database, admin: User) -> None:
    add_region(database, "tashkent")
    desk = make_user(database, Role.DISPATCHER)
    given = api.post(f"/api/v1/users/{desk.uuid}/mqtt/", admin).json()

    def regions() -> list[str] | None:
        with database.transaction() as session:
            return session.get_one(MqttCredential, given["username"]).alert_regions

    assert regions() is None
    api.call("PUT", f"/api/v1/users/{desk.uuid}/regions/", admin, json={"regions": ["tashkent"]})
    assert regions() == ["tashkent"]
    api.call("PUT", f"/api/v1/users/{desk.uuid}/roles/admin/", admin)
    assert regions() is None
    api.call("DELETE", f"/api/v1/users/{desk.uuid}/roles/admin/", admin)
    assert regions() == ["tashkent"]


def test_asked_again_the_access_has_the_same_name_and_another_secret(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    first, second = (api.post("/api/v1/dispatchers/me/mqtt/", desk).json() for _ in range(2))
    assert first["username"] == second["username"]
    assert first["password"] != second["password"]
