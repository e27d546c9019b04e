"""Policies of escalation over HTTP."""

from typing import Any

import pytest
from sqlalchemy import select

from db.models import AuditEntry, User
from db.session import Database
from db.states import Role
from tests.builders import TASHKENT, incident_of, make_device, make_user, report
from tests.integration.api.speaking import Api, wrong_fields
from tests.maps import make_region

PATH = "/api/v1/policies/"


@pytest.fixture
def admin(database: Database) -> User:
    return make_user(database, Role.ADMIN)


def policy(name: str = "Falls", **said: Any) -> dict[str, Any]:
    return {
        "name": name,
        "steps": [{"after_s": 0, "whom": ["helpers", "dispatchers"]}, {"after_s": 20, "whom": ["guardians"]}],
        "repeat_s": 45,
    } | said


def create(api: Api, by: User, name: str = "Falls", **said: Any) -> dict[str, Any]:
    answer = api.post(PATH, by, json=policy(name, **said))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def matched(api: Api, by: User, **query: str) -> str:
    answer = api.get(f"{PATH}match/", by, params=query)
    assert answer.status_code == 200, answer.text
    name: str = answer.json()["name"]
    return name


def test_an_admin_writes_reads_changes_and_removes_a_policy(api: Api, admin: User) -> None:
    made = create(api, admin, types=["fall"])
    assert made["steps"][1] == {"after_s": 20, "whom": ["guardians"]}
    assert api.get(PATH, admin).json() == [made]
    path = f"{PATH}{made['id']}/"
    assert api.get(path, admin).json() == made
    steps = [{"after_s": 0, "whom": ["supervisor"], "note": "at once"}]
    changed = api.call("PUT", path, admin, json=policy(steps=steps, active=False)).json()
    assert (changed["steps"], changed["active"], changed["types"]) == (steps, False, None)
    assert api.call("DELETE", path, admin).status_code == 204
    assert api.get(path, admin).status_code == 404
    assert api.get(PATH, admin).json() == []


def test_every_act_is_audited_with_what_was_and_what_is(api: Api, database: Database, admin: User) -> None:
    path = f"{PATH}{create(api, admin)['id']}/"
    for _ in range(2):  # the second changes nothing
        api.call("PUT", path, admin, json=policy(repeat_s=30))
    api.call("DELETE", path, admin)
    with database.transaction() as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [each.action for each in entries] == ["policy.created", "policy.changed", "policy.removed"]
    assert (entries[1].detail["before"]["repeat_s"], entries[1].detail["now"]["repeat_s"]) == (45, 30)


def test_every_wrong_field_is_named_and_nothing_is_kept(api: Api, admin: User) -> None:
    wrong = {
        "name": "",
        "region": "nowhere",
        "steps": [
            {"after_s": -1, "whom": []},
            {"after_s": "soon", "whom": ["the mayor"], "sms": True},
        ],
        "repeat_s": 5,
        "until": "morning",
    }
    answer = api.post(PATH, admin, json=wrong)
    assert answer.status_code == 422
    assert set(wrong_fields(answer)) == {
        *("name", "steps.0.after_s", "steps.0.whom", "steps.1.after_s", "steps.1.whom.0", "steps.1.sms"),
        *("repeat_s", "until"),
    }
    later = [{"after_s": 5, "whom": ["helpers"]}, {"after_s": 1, "whom": ["guardians", "guardians"]}]
    answer = api.post(PATH, admin, json=policy(steps=later, region="nowhere"))
    assert set(wrong_fields(answer)) == {"region", "steps.0.after_s", "steps.1.after_s", "steps.1.whom"}
    assert api.get(PATH, admin).json() == []


@pytest.mark.parametrize("repeat_s", [14, 3601, "often", None])
def test_a_repeat_is_between_a_quarter_minute_and_an_hour(api: Api, admin: User, repeat_s: object) -> None:
    answer = api.post(PATH, admin, json=policy(repeat_s=repeat_s))
    assert list(wrong_fields(answer)) == ["repeat_s"]


def test_a_name_is_taken_once_and_default_is_the_houses(api: Api, admin: User) -> None:
    create(api, admin, types=["fall"])
    for name in ("falls", "Default"):
        answer = api.post(PATH, admin, json=policy(name))
        assert (answer.status_code, answer.json()["code"]) == (409, "taken")
        assert list(wrong_fields(answer)) == ["name"]


def test_two_active_policies_never_contradict_each_other(api: Api, admin: User) -> None:
    create(api, admin, "One", types=["fall", "crash"])
    answer = api.post(PATH, admin, json=policy("Two", types=["crash", "heart"]))
    assert (answer.status_code, answer.json()["code"]) == (409, "contested")
    assert "One is active for the types crash" in answer.json()["detail"]
    resting = create(api, admin, "Two", types=["crash", "heart"], active=False)
    path = f"{PATH}{resting['id']}/"
    body = policy("Two", types=["crash", "heart"])
    assert api.call("PUT", path, admin, json=body).status_code == 409
    assert api.call("PUT", path, admin, json=body | {"types": ["heart"]}).status_code == 200
    create(api, admin, "General")
    assert api.post(PATH, admin, json=policy("General too")).status_code == 409


def test_the_most_particular_policy_that_is_active_is_taken(
    api: Api, database: Database, admin: User
) -> None:
    make_region(database, "north")
    assert matched(api, admin) == "default"
    create(api, admin, "general")
    create(api, admin, "falls", types=["fall"])
    create(api, admin, "north", region="north")
    create(api, admin, "falls in the north", region="north", types=["fall"])
    create(api, admin, "asleep", region="north", types=["crash"], active=False)
    assert matched(api, admin) == "general"
    assert matched(api, admin, type="FALL_DETECTED") == "falls"
    assert matched(api, admin, region="north", type="heart") == "north"
    assert matched(api, admin, region="north", type="fall") == "falls in the north"
    assert matched(api, admin, region="north", type="crash") == "north"
    assert matched(api, admin, region="nowhere", type="crash") == "general"


def test_the_built_in_policy_is_shown_too(api: Api, admin: User) -> None:
    said = api.get(f"{PATH}match/", admin).json()
    assert (said["id"], said["repeat_s"]) == (None, 60)
    assert [(step["after_s"], step["whom"]) for step in said["steps"]] == [
        (0, ["helpers", "dispatchers"]),
        (30, ["wider_ring", "dispatchers"]),
        (60, ["guardians"]),
        (120, ["supervisor"]),
    ]


def test_an_incident_keeps_the_policy_it_opened_with(api: Api, database: Database, admin: User) -> None:
    made = create(api, admin, types=["fall"])
    reported = report(database, make_device(database), type="fall", **TASHKENT)
    api.call("DELETE", f"{PATH}{made['id']}/", admin)
    kept = incident_of(database, reported)
    assert (kept.policy, kept.policy_name, kept.repeat_s) == (made["steps"], "Falls", 45)
    after = incident_of(database, report(database, make_device(database), type="fall"))
    assert (after.policy_name, after.repeat_s) == ("default", 60)
