"""Seeing, taking and ending incidents."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from db.models import Incident, Region, User
from db.session import Database
from db.states import Role
from dispatch.sos import queries, timeline
from tests.builders import NOON, TASHKENT, make_device, make_user, report
from tests.integration.api.speaking import Api, wrong_fields

MINUTE = timedelta(minutes=1)


def listed(api: Api, by: User, query: str = "") -> list[str]:
    answer = api.get(f"/api/v1/incidents/{query}", by)
    assert answer.status_code == 200, answer.text
    return [each["id"] for each in answer.json()["items"]]


def shown(api: Api, by: User, incident: object) -> dict[str, Any]:
    answer = api.get(f"/api/v1/incidents/{incident}/", by)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_a_desk_sees_an_incident_with_all_that_is_known(api: Api, database: Database) -> None:
    wearer, desk = make_user(database), make_user(database, Role.DISPATCHER)
    device = make_device(database, wearer)
    opened = report(database, device, **TASHKENT, severity=4, battery_pct=84)
    said = shown(api, desk, opened.incident_id)
    assert said["state"] == "active"
    assert said["device"] == {"uid": device.uid, "kind": "watch", "model": "T-Watch 5"}
    assert said["wearer"]["phone"] == wearer.phone
    assert (said["place"]["lat"], said["place"]["source"]) == (41.311081, "press")
    assert [line["kind"] for line in said["timeline"]] == ["opened"]


def test_acknowledging_and_resolving_leave_who_and_why(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER, name="Dilnoza")
    incident = report(database, make_device(database)).incident_id
    taken = api.post(f"/api/v1/incidents/{incident}/ack/", desk)
    assert taken.status_code == 200
    assert taken.json()["state"] == "acknowledged"
    assert taken.json()["acknowledged_by"] == {"uuid": str(desk.uuid), "full_name": "Dilnoza"}
    ended = api.post(
        f"/api/v1/incidents/{incident}/resolve/", desk, json={"outcome": "assisted", "note": "at home now"}
    )
    assert ended.status_code == 200
    assert (ended.json()["state"], ended.json()["outcome"]) == ("resolved", "assisted")
    timeline = shown(api, desk, incident)["timeline"]
    assert [line["kind"] for line in timeline] == ["opened", "acknowledged", "resolved"]
    assert timeline[2]["by"]["full_name"] == "Dilnoza"
    assert timeline[2]["detail"]["note"] == "at home now"


def test_saying_so_twice_changes_nothing(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    incident = report(database, make_device(database)).incident_id
    for _ in range(2):
        assert api.post(f"/api/v1/incidents/{incident}/ack/", desk).status_code == 200
    for _ in range(2):
        path = f"/api/v1/incidents/{incident}/resolve/"
        assert api.post(path, desk, json={"outcome": "false_alarm"}).status_code == 200
    assert len(shown(api, desk, incident)["timeline"]) == 3


def test_what_is_over_cannot_be_taken(api: Api, database: Database) -> None:
    desk = make_user(database, Role.ADMIN)
    incident = report(database, make_device(database)).incident_id
    api.post(f"/api/v1/incidents/{incident}/resolve/", desk, json={"outcome": "assisted"})
    answer = api.post(f"/api/v1/incidents/{incident}/ack/", desk)
    assert answer.status_code == 409
    assert answer.json()["code"] == "illegal_move"


def test_the_list_is_newest_first_in_pages_that_nothing_new_can_shift(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    made = [
        str(report(database, make_device(database), at=NOON + number * MINUTE).incident_id)
        for number in range(5)
    ]
    first = api.get("/api/v1/incidents/?limit=2", desk).json()
    report(database, make_device(database), at=NOON + 9 * MINUTE)
    second = api.get("/api/v1/incidents/", desk, params={"limit": 2, "cursor": first["next"]}).json()
    third = api.get("/api/v1/incidents/", desk, params={"limit": 2, "cursor": second["next"]}).json()
    pages = [[each["id"] for each in page["items"]] for page in (first, second, third)]
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]
    assert third["next"] is None


def test_incidents_of_the_same_moment_are_each_listed_once(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    made = {str(report(database, make_device(database)).incident_id) for _ in range(4)}
    seen: list[str] = []
    cursor = None
    while True:
        page = api.get(
            "/api/v1/incidents/", desk, params={"limit": 1} | ({"cursor": cursor} if cursor else {})
        )
        seen += [each["id"] for each in page.json()["items"]]
        cursor = page.json()["next"]
        if cursor is None:
            break
    assert set(seen) == made
    assert len(seen) == 4


def test_the_list_can_be_narrowed_by_state_and_region(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        session.add(Region(slug="north", name="North"))
    active, taken, north = (report(database, make_device(database)).incident_id for _ in range(3))
    with database.transaction() as session:
        session.execute(update(Incident).where(Incident.id == north).values(region="north"))
    api.post(f"/api/v1/incidents/{taken}/ack/", desk)
    assert listed(api, desk, "?state=acknowledged") == [str(taken)]
    assert set(listed(api, desk, "?state=acknowledged&state=active")) == {str(active), str(taken), str(north)}
    assert listed(api, desk, "?region=north") == [str(north)]
    assert listed(api, desk, "?region=nowhere") == []


def test_a_wearer_sees_their_own_and_no_others(api: Api, database: Database) -> None:
    wearer = make_user(database)
    own = report(database, make_device(database, wearer)).incident_id
    foreign = report(database, make_device(database, make_user(database))).incident_id
    assert listed(api, wearer) == [str(own)]
    assert shown(api, wearer, own)["id"] == str(own)
    assert api.get(f"/api/v1/incidents/{foreign}/", wearer).status_code == 404


def test_a_wearers_screen_gives_no_duress_and_no_desks_notes_away(api: Api, database: Database) -> None:
    wearer, desk = make_user(database), make_user(database, Role.DISPATCHER)
    incident = report(database, make_device(database, wearer)).incident_id
    with database.transaction() as session:
        session.execute(update(Incident).values(duress=True))
    api.post(
        f"/api/v1/incidents/{incident}/resolve/", desk, json={"outcome": "handed_over", "note": "police"}
    )
    assert shown(api, desk, incident)["duress"] is True
    said = shown(api, wearer, incident)
    assert said["duress"] is False
    assert "police" not in str(said)


def test_a_wearer_sees_first_names_and_not_who_could_not_come(api: Api, database: Database) -> None:
    wearer, desk = make_user(database), make_user(database, Role.DISPATCHER, name="Dilnoza Rahimova")
    helper = make_user(database, Role.HELPER, name="Sardor Aliyev")
    incident = report(database, make_device(database, wearer)).incident_id
    with database.transaction() as session:
        held = queries.lock_incident(session, incident)
        timeline.record(session, held, "helper_declined", by=helper.id, at=NOON)
        timeline.record(session, held, "helper_accepted", by=helper.id, at=NOON)
    api.post(f"/api/v1/incidents/{incident}/ack/", desk)
    said = shown(api, wearer, incident)
    assert said["acknowledged_by"]["full_name"] == "Dilnoza"
    assert [(line["kind"], line["by"] and line["by"]["full_name"]) for line in said["timeline"]] == [
        ("opened", None),
        ("helper_accepted", "Sardor"),
        ("acknowledged", "Dilnoza"),
    ]
    assert "Rahimova" in str(shown(api, desk, incident))


def test_wrong_questions_are_answered_with_what_is_wrong(api: Api, database: Database) -> None:
    desk = make_user(database, Role.DISPATCHER)
    incident = report(database, make_device(database)).incident_id
    for query, field in {
        "?limit=0": "limit",
        "?limit=1000": "limit",
        "?limit=x": "limit",
        "?state=asleep": "state.0",
        "?cursor=nonsense": "cursor",
        "?region=a%00b": "region",
        "?stat=active": "stat",
    }.items():
        answer = api.get(f"/api/v1/incidents/{query}", desk)
        assert answer.status_code == 422, query
        assert list(wrong_fields(answer)) == [field]
    for body, field in (
        ({}, "outcome"),
        ({"outcome": "fine"}, "outcome"),
        ({"outcome": "assisted", "note": "x" * 3000}, "note"),
        ({"outcome": "assisted", "note": "a\x00b"}, "note"),
        ({"outcome": "assisted", "why": "?"}, "why"),
    ):
        answer = api.post(f"/api/v1/incidents/{incident}/resolve/", desk, json=body)
        assert answer.status_code == 422, body
        assert list(wrong_fields(answer)) == [field]
    assert api.get("/api/v1/incidents/17/", desk).status_code == 422
