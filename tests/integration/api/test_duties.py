"""Who is on duty when, over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from db.models import AuditEntry, User
from db.session import Database
from db.states import DutyKind, Role, UserStatus
from dispatch import duty
from tests.builders import NOON, make_user
from tests.integration.api.speaking import Api, wrong_fields
from tests.maps import make_region
from tests.watchers import make_duty

PATH = "/api/v1/duties/"


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN, name="The admin")


def night(person: User, **said: Any) -> dict[str, Any]:
    return {
        "user": str(person.uuid),
        "weekdays": [0, 1, 2, 3, 4],
        "begins": "22:00",
        "ends": "06:00",
        "timezone": "Asia/Tashkent",
    } | said


def names(database: Database, region: str = "default", *, kind: DutyKind = DutyKind.DISPATCHER) -> list[str]:
    with database.transaction() as session:
        return [person.full_name for person in duty.on_duty(session, kind, region, at=NOON)]


def woken(database: Database, region: str = "default", *, kind: DutyKind = DutyKind.DISPATCHER) -> list[str]:
    with database.transaction() as session:
        return sorted(each.full_name for each in duty.whom_to_wake(session, kind, region, at=NOON).people)


def test_an_admin_writes_reads_changes_and_removes_a_duty(api: Api, database: Database, admin: User) -> None:
    desk = make_user(database, Role.DISPATCHER, name="Dilnoza")
    answer = api.post(PATH, admin, json=night(desk))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["user"] == {"uuid": str(desk.uuid), "full_name": "Dilnoza"}
    assert (made["begins"], made["ends"], made["kind"]) == ("22:00", "06:00", "dispatcher")
    path = f"{PATH}{made['id']}/"
    assert api.get(path, admin).json()["id"] == made["id"]
    changed = api.call("PUT", path, admin, json=night(desk, ends="24:00", kind="supervisor")).json()
    assert (changed["ends"], changed["kind"]) == ("24:00", "supervisor")
    assert [each["id"] for each in api.get(PATH, admin).json()] == [made["id"]]
    assert api.get(PATH, admin, params={"user": str(admin.uuid)}).json() == []
    assert api.call("DELETE", path, admin).status_code == 204
    assert api.get(path, admin).status_code == 404
    with database.transaction() as session:
        acts = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert acts == ["duty.created", "duty.changed", "duty.removed"]


def test_everybody_on_duty_sees_their_own_hours_and_whether_they_are_on(api: Api, database: Database) -> None:
    desk, other = make_user(database, Role.DISPATCHER), make_user(database, Role.DISPATCHER)
    make_duty(database, desk, "00:00", "24:00")
    make_duty(database, other, "00:00", "24:00")
    [own] = api.get(f"{PATH}mine/", desk).json()
    assert own["user"]["uuid"] == str(desk.uuid)
    assert own["now"] is True


def test_every_wrong_field_is_named(api: Api, database: Database, admin: User) -> None:
    desk = make_user(database, Role.DISPATCHER)
    answer = api.post(
        PATH, admin, json=night(desk, weekdays=[7], begins="24:00", ends="6 pm", kind="cook", colour="red")
    )
    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == {"weekdays.0", "begins", "ends", "kind", "colour"}
    said = night(
        make_user(database),
        region="nowhere",
        timezone="Asia/Atlantis",
        since="2026-02-01",
        until="2026-01-01",
    )
    answer = api.post(PATH, admin, json=said)
    assert set(wrong_fields(answer)) == {"user", "region", "timezone", "until"}


def test_nobody_is_on_duty_where_they_do_not_look(api: Api, database: Database, admin: User) -> None:
    for slug in ("north", "south"):
        make_region(database, slug)
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        session.execute(update(User).where(User.id == desk.id).values(alert_regions=["south"]))
    answer = api.post(PATH, admin, json=night(desk, region="north"))
    assert list(wrong_fields(answer)) == ["region"]
    assert api.post(PATH, admin, json=night(desk, region="south")).status_code == 201


def test_who_is_on_duty_follows_region_kind_role_and_account(database: Database) -> None:
    make_region(database, "north")
    people = {
        name: make_user(database, Role.DISPATCHER, name=name)
        for name in ("All", "North", "South watcher", "Blocked", "Asleep", "Boss")
    }
    wearer = make_user(database, name="No desk")
    for name in ("All", "South watcher", "Blocked"):
        make_duty(database, people[name], "00:00", "24:00")
    make_duty(database, people["North"], "00:00", "24:00", region="north")
    make_duty(database, people["Asleep"], "01:00", "02:00")
    make_duty(database, people["Boss"], "00:00", "24:00", kind=DutyKind.SUPERVISOR)
    make_duty(database, wearer, "00:00", "24:00")
    with database.transaction() as session:
        at = {name: person.id for name, person in people.items()}
        blocked = update(User).where(User.id == at["Blocked"])
        session.execute(blocked.values(status=UserStatus.BLOCKED))
        south = update(User).where(User.id == at["South watcher"])
        session.execute(south.values(alert_regions=["south"]))
    assert names(database, "north") == ["All", "North"]
    assert names(database) == ["All", "South watcher"]
    assert names(database, "north", kind=DutyKind.SUPERVISOR) == ["Boss"]


def test_where_nobody_is_on_duty_everybody_who_could_be_is_woken(database: Database, admin: User) -> None:
    make_region(database, "north")
    make_user(database, Role.DISPATCHER, name="Dilnoza")
    elsewhere = make_user(database, Role.DISPATCHER, name="Elsewhere")
    with database.transaction() as session:
        session.execute(update(User).where(User.id == elsewhere.id).values(alert_regions=["south"]))
    assert woken(database, "north") == ["Dilnoza", "The admin"]
    assert woken(database, "north", kind=DutyKind.SUPERVISOR) == ["The admin"]


def test_somebody_with_two_duties_at_once_is_woken_once(database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER, name="Dilnoza")
    for ends in ("24:00", "23:00"):
        make_duty(database, desk, "00:00", ends)
    assert datetime(2026, 1, 1, 12, tzinfo=UTC) == NOON
    assert names(database) == ["Dilnoza"]
