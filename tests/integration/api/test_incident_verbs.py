"""What a desk does with an incident over HTTP, and what a wearer may do with their own."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.models import IncidentReport, Region, User
from db.session import Database
from db.states import Role
from dispatch import relay
from tests.builders import TASHKENT, make_device, make_user, report, set_pins
from tests.integration.api.speaking import Api, wrong_fields

SECOND = timedelta(seconds=1)


@pytest.fixture
def dilnoza(database: Database) -> User:
    return make_user(database, Role.DISPATCHER, name="Dilnoza Rahimova")


@pytest.fixture
def wearer(database: Database) -> User:
    user = make_user(database)
    set_pins(database, user)
    return user


def do(api: Api, by: User, incident: object, verb: str, **said: Any) -> dict[str, Any]:
    answer = api.post(f"/api/v1/incidents/{incident}/{verb}/", by, json=said)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def refusal(api: Api, by: User, incident: object, verb: str, **said: Any) -> tuple[int, str, str]:
    answer = api.post(f"/api/v1/incidents/{incident}/{verb}/", by, json=said)
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"], answer.json()["detail"]


def shown(api: Api, by: User, incident: object) -> dict[str, Any]:
    told: dict[str, Any] = api.get(f"/api/v1/incidents/{incident}/", by).json()
    return told


def settle(database: Database, api: Api) -> None:
    while relay.turn(database, at=api.now()):
        pass


def test_the_next_step_is_shown_with_its_time(api: Api, database: Database, dilnoza: User) -> None:
    incident = report(database, make_device(database)).incident_id
    whom = ["wider_ring", "dispatchers"]
    first = {"what": "escalation", "whom": whom, "due_at": "2026-01-01T12:00:30Z"}
    assert shown(api, dilnoza, incident)["next"] == first
    assert api.get("/api/v1/incidents/", dilnoza).json()["items"][0]["next"] == first
    taken = do(api, dilnoza, incident, "ack")
    assert (taken["next"]["what"], taken["next"]["whom"]) == ("ack_lease", None)
    ended = do(api, dilnoza, incident, "resolve", outcome="assisted")
    assert ended["next"] is None


def test_notes_and_a_handover_stand_on_the_timeline(api: Api, database: Database, dilnoza: User) -> None:
    bekzod = make_user(database, Role.DISPATCHER, name="Bekzod Aliyev")
    incident = report(database, make_device(database)).incident_id
    do(api, dilnoza, incident, "ack")
    do(api, dilnoza, incident, "note", text="rang back, no answer")
    handed = do(api, dilnoza, incident, "reassign", to=str(bekzod.uuid), why="end of shift")
    assert handed["acknowledged_by"]["full_name"] == "Bekzod Aliyev"
    noted, reassigned = shown(api, bekzod, incident)["timeline"][-2:]
    assert noted["detail"] == {"text": "rang back, no answer"}
    assert reassigned["by"]["full_name"] == "Dilnoza Rahimova"
    assert reassigned["detail"]["to"]["name"] == "Bekzod Aliyev"


def test_a_refusal_says_what_is_possible(api: Api, database: Database, dilnoza: User) -> None:
    incident = report(database, make_device(database)).incident_id
    other = make_user(database, Role.DISPATCHER)
    status, code, detail = refusal(api, dilnoza, incident, "reopen")
    assert (status, code) == (409, "illegal_move")
    assert detail.endswith("possible now: acknowledge, resolve, note, exercise, merge")
    do(api, dilnoza, incident, "ack")
    held = refusal(api, other, incident, "ack")
    assert held[:2] == (409, "held")
    assert "Dilnoza Rahimova looks after this; reassign it" in held[2]
    taken_over = do(api, other, incident, "reassign", to=str(other.uuid))
    assert taken_over["acknowledged_by"]["uuid"] == str(other.uuid)


def test_what_is_missing_or_too_long_is_named(api: Api, database: Database, dilnoza: User) -> None:
    incident = report(database, make_device(database)).incident_id
    do(api, dilnoza, incident, "ack")
    for verb, said, field in (
        ("note", {}, "text"),
        ("note", {"text": "  "}, "text"),
        ("note", {"text": "x" * 2001}, "text"),
        ("reassign", {}, "to"),
        ("reassign", {"to": str(make_user(database).uuid)}, "to"),
        ("reassign", {"to": str(dilnoza.uuid), "why": "a\x00b"}, "why"),
        ("exercise", {"exercise": "maybe"}, "exercise"),
        ("merge", {"into": "x"}, "into"),
        ("cancel", {"pin": ""}, "pin"),
        ("cancel", {"pim": "4711"}, "pim"),
    ):
        answer = api.post(f"/api/v1/incidents/{incident}/{verb}/", dilnoza, json=said)
        assert answer.status_code == 422, (verb, said, answer.text)
        assert list(wrong_fields(answer)) == [field]


def test_a_desk_reaches_only_what_its_regions_show(api: Api, database: Database) -> None:
    with database.transaction() as session:
        box = "MULTIPOLYGON(((69 41, 70 41, 70 42, 69 42, 69 41)))"
        session.add(Region(slug="city", name="City", area=f"SRID=4326;{box}", priority=1))
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        session.get_one(User, desk.id).alert_regions = ["north"]
    there = report(database, make_device(database), **TASHKENT).incident_id
    here = report(database, make_device(database)).incident_id
    for verb, said in (
        ("note", {"text": "hm"}),
        ("reopen", {}),
        ("exercise", {"exercise": True}),
        ("unmerge", {}),
        ("merge", {"into": str(here)}),
        ("merge/dismiss", {"other": str(here)}),
        ("reassign", {"to": str(desk.uuid)}),
    ):
        assert refusal(api, desk, there, verb, **said)[0] == 404, verb
    assert refusal(api, desk, here, "merge", into=str(there))[0] == 404
    assert refusal(api, desk, here, "merge/dismiss", other=str(there))[0] == 404


def test_two_of_one_accident_are_proposed_merged_and_both_kept(
    api: Api, database: Database, dilnoza: User
) -> None:
    wearer = make_user(database)
    first = report(database, make_device(database), api.now(), **TASHKENT).incident_id
    device = make_device(database, wearer)
    second = report(database, device, api.now() + SECOND, **TASHKENT).incident_id
    settle(database, api)
    [proposal] = shown(api, dilnoza, first)["merge_proposals"]
    assert proposal["other"] == str(second)
    assert shown(api, wearer, second)["merge_proposals"] == []
    merged = do(api, dilnoza, second, "merge", into=str(first))
    assert merged["merged_into"] == str(first)
    told = shown(api, dilnoza, first)
    assert told["merge_proposals"] == []
    [reporter] = told["merged"]
    assert (reporter["incident"], reporter["device"]["uid"]) == (str(second), device.uid)
    do(api, dilnoza, first, "ack")
    assert shown(api, dilnoza, second)["state"] == "active"
    own = shown(api, wearer, second)
    assert (own["state"], own["merged_into"]) == ("acknowledged", None)
    assert "merged" not in [line["kind"] for line in own["timeline"]]
    for state, found in (("acknowledged", [str(second)]), ("active", [])):
        listed = api.get(f"/api/v1/incidents/?state={state}", wearer).json()["items"]
        assert [each["id"] for each in listed] == found
    assert refusal(api, dilnoza, second, "ack")[:2] == (409, "merged")
    assert do(api, dilnoza, second, "unmerge")["merged_into"] is None


def test_a_proposal_is_dismissed(api: Api, database: Database, dilnoza: User) -> None:
    first = report(database, make_device(database), api.now(), **TASHKENT).incident_id
    second = report(database, make_device(database), api.now(), **TASHKENT).incident_id
    settle(database, api)
    do(api, dilnoza, first, "merge/dismiss", other=str(second))
    assert shown(api, dilnoza, second)["merge_proposals"] == []


def test_only_staff_call_for_an_exercise(api: Api, database: Database, dilnoza: User) -> None:
    wearer = make_user(database)
    for person, is_drill in ((wearer, False), (dilnoza, True)):
        device = make_device(database, person)
        body = {"device_uid": device.uid, "exercise": True}
        opened = api.post("/api/v1/sos/trigger/", person, json=body)
        assert opened.status_code == 201
        assert shown(api, dilnoza, opened.json()["event_uid"])["exercise"] is is_drill
    with database.transaction() as session:
        notes = session.scalars(select(IncidentReport.notes).order_by(IncidentReport.id)).all()
    assert notes == [["exercise: is for dispatchers and admins"], []]


def test_a_wearer_takes_their_own_call_back(api: Api, database: Database, wearer: User) -> None:
    incident = report(database, make_device(database, wearer)).incident_id
    assert refusal(api, wearer, incident, "cancel") == (403, "pin_refused", "pin needed")
    assert refusal(api, wearer, incident, "cancel", pin="0000") == (403, "pin_refused", "wrong pin")
    for _ in range(2):
        told = do(api, wearer, incident, "cancel", pin="4711")
        assert (told["state"], told["outcome"]) == ("resolved", "cancelled")
    kinds = [line["kind"] for line in shown(api, wearer, incident)["timeline"]]
    assert kinds == ["opened", "cancel_refused", "cancel_refused", "resolved"]


def test_too_many_wrong_pins_have_to_wait(api: Api, database: Database, wearer: User) -> None:
    incident = report(database, make_device(database, wearer)).incident_id
    for number in range(5):
        refusal(api, wearer, incident, "cancel", pin=f"000{number}")
    answer = api.post(f"/api/v1/incidents/{incident}/cancel/", wearer, json={"pin": "4711"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    api.later(seconds=61)
    assert do(api, wearer, incident, "cancel", pin="4711")["state"] == "resolved"


def test_what_a_desk_ended_cannot_be_taken_back(
    api: Api, database: Database, wearer: User, dilnoza: User
) -> None:
    incident = report(database, make_device(database, wearer)).incident_id
    do(api, dilnoza, incident, "resolve", outcome="assisted")
    assert refusal(api, wearer, incident, "cancel", pin="4711")[:2] == (409, "illegal_move")


_ITS_OWN = {"id", "opened_at", "device", "wearer", "acknowledged_at", "resolved_at", "place"}
"""What differs between any two calls; the place is looked at by itself."""


def screen(api: Api, wearer: User, incident: object) -> list[Any]:
    """All that a wearer's app can learn of a call."""
    seen = shown(api, wearer, incident)
    lists = {
        state: [each["id"] for each in api.get(f"/api/v1/incidents/?state={state}", wearer).json()["items"]]
        for state in ("active", "acknowledged", "resolved")
    }
    return [
        {name: value for name, value in seen.items() if name not in _ITS_OWN | {"timeline"}},
        [(line["kind"], line["detail"]) for line in seen["timeline"]],
        {state: str(incident) in found for state, found in lists.items()},
        (seen["place"]["lat"], seen["place"]["source"], seen["resolved_at"] is not None),
    ]


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.DISPATCHER])
@pytest.mark.parametrize("hold_s", [None, 60])
def test_a_wearers_screen_cannot_tell_a_duress_pin_from_the_right_one(
    api: Api, database: Database, dilnoza: User, role: Role, hold_s: int | None
) -> None:
    screens = []
    for pin in ("4711", "9999"):
        wearer = make_user(database, role)
        set_pins(database, wearer)
        device = make_device(database, wearer)
        incident = report(database, device, api.now(), severity=2, hold_s=hold_s, **TASHKENT).incident_id
        if hold_s is None:
            do(api, dilnoza, incident, "ack")
        settle(database, api)
        answers = [do(api, wearer, incident, "cancel", pin=pin)]
        if pin == "9999":
            _goes_on_unseen(api, database, dilnoza, incident)
        answers.append(do(api, wearer, incident, "cancel", pin="0000"))
        seen = [{name: value for name, value in answer.items() if name not in _ITS_OWN} for answer in answers]
        screens.append([*seen, *screen(api, wearer, incident)])
    right, forced = screens
    assert forced == right
    assert right[0]["state"] == "resolved"


def _goes_on_unseen(api: Api, database: Database, desk: User, incident: object) -> None:
    do(api, desk, incident, "note", text="police informed")
    settle(database, api)
    api.later(seconds=150)
    settle(database, api)
    told = shown(api, desk, incident)
    assert (told["state"], told["duress"], told["severity"]) == ("active", True, 5)


def test_a_desk_sees_what_a_duress_pin_hides(
    api: Api, database: Database, wearer: User, dilnoza: User
) -> None:
    incident = report(database, make_device(database, wearer), api.now()).incident_id
    do(api, wearer, incident, "cancel", pin="9999")
    told = shown(api, dilnoza, incident)
    assert (told["state"], told["duress"], told["severity"]) == ("active", True, 5)
    assert [line["kind"] for line in told["timeline"]] == ["opened", "cancelled_under_duress"]
    assert told["next"]["what"] == "escalation"


def test_a_press_after_a_duress_pin_is_answered_over_http_as_a_new_call(
    api: Api, database: Database, wearer: User, dilnoza: User
) -> None:
    device = make_device(database, wearer)
    incident = report(database, device, api.now()).incident_id
    do(api, wearer, incident, "cancel", pin="9999")
    body = {"device_uid": device.uid, "timestamp": api.now().isoformat()}
    pressed = api.post("/api/v1/sos/trigger/", wearer, json=body)
    assert (pressed.status_code, pressed.json()["status"]) == (201, "created")
    assert pressed.json()["event_uid"] == str(incident)
    assert shown(api, wearer, incident)["state"] == "active"
    assert shown(api, wearer, incident)["duress"] is False
    assert shown(api, dilnoza, incident)["duress"] is True


def test_a_stranger_takes_nobodys_call_back(api: Api, database: Database, wearer: User) -> None:
    incident = report(database, make_device(database, wearer)).incident_id
    thief = make_user(database)
    set_pins(database, thief)
    assert refusal(api, thief, incident, "cancel", pin="4711")[0] == 404
    assert shown(api, wearer, incident)["state"] == "active"
