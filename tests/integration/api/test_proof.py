"""The record of an incident: complete, readable, and noticing when it was changed."""

import copy
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from broker.settings import BrokerSettings
from db import notifications
from db.models import HelperCall, Incident, Message, Notification, Position, Region, User
from db.seal import Seal
from db.session import Database
from db.states import CallState, Clock, Outcome, Role
from dispatch.sos import service
from tests.builders import NOON, TASHKENT, make_device, make_user, report
from tests.integration.api.speaking import Api

MINUTE = timedelta(minutes=1)


def story(database: Database, settings: BrokerSettings) -> tuple[UUID, User]:
    """A fall, a helper who came, a message to them, a track, and its end."""
    wearer = make_user(database, name="Nodira <b>Wearer</b>")
    desk = make_user(database, Role.DISPATCHER, name="Demo Desk")
    helper = make_user(database, Role.HELPER, name="Sardor Helper")
    device = make_device(database, wearer)
    incident = report(database, device, type="fall", severity=4, accuracy_m=12.0, **TASHKENT).incident_id
    with database.transaction() as session:
        session.add_all(
            Position(
                device_id=device.id,
                at=NOON + number * timedelta(seconds=5),
                seq=number,
                received_at=NOON,
                clock=Clock.DEVICE,
                lat=41.31 + number * 1e-4,
                lon=69.24 + number * 2e-4,
                accuracy_m=8,
            )
            for number in range(-120, 60)
        )
        session.add(
            HelperCall(
                incident_id=incident,
                helper_id=helper.id,
                state=CallState.ON_SCENE,
                wave=1,
                asked_at=NOON,
                until_at=NOON + MINUTE,
                answered_at=NOON + 0.5 * MINUTE,
                answered_via="mqtt",
                on_scene_at=NOON + 4 * MINUTE,
                distance_m=740,
                chance=0.41,
                terms={"distance": 0.8},
            )
        )
        message = Message(
            user_id=helper.id,
            incident_id=incident,
            key="call:1",
            text="sos.helper",
            sealed=Seal(settings.derive("messages")).close({"values": {"code": "4711"}}),
            channels=["push", "sms"],
            created_at=NOON,
            until_at=NOON + MINUTE,
        )
        session.add(message)
        session.flush()
        notifications.request(session, "sms", message.uuid, at=NOON)
        session.flush()
        sent = session.scalars(select(Notification).where(Notification.kind == "sms")).one()
        notifications.record_attempt(session, sent, ok=False, answer="HTTP 503", at=NOON)
        notifications.record_attempt(session, sent, ok=True, answer="HTTP 200 queued", at=NOON + MINUTE)
    with database.transaction() as session:
        service.acknowledge(session, incident, by=desk.id, at=NOON + MINUTE)
    with database.transaction() as session:
        at = NOON + 5 * MINUTE
        service.resolve(session, incident, by=desk.id, outcome=Outcome.ASSISTED, note="safe & sound", at=at)
    return incident, desk


def exported(api: Api, incident: UUID, desk: User) -> dict[str, Any]:
    answer = api.get(f"/api/v1/incidents/{incident}/export/", desk)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_an_export_tells_who_did_what_when_and_what_each_channel_answered(
    api: Api, database: Database, settings: BrokerSettings
) -> None:
    incident, desk = story(database, settings)
    told = exported(api, incident, desk)["export"]
    assert [line["kind"] for line in told["timeline"]] == ["opened", "acknowledged", "resolved"]
    assert told["timeline"][1]["by"]["full_name"] == "Demo Desk"
    assert told["timeline"][2]["detail"]["note"] == "safe & sound"
    [press] = told["reports"]
    assert (press["type"], press["severity"], press["clock"]) == ("fall", 4, Clock.ARRIVAL)
    [call] = told["calls"]
    assert (call["helper"]["full_name"], call["state"], call["wave"]) == ("Sardor Helper", "on_scene", 1)
    assert (call["chance"], call["terms"]) == (0.41, {"distance": 0.8})
    [message] = told["messages"]
    assert (message["to"], message["text"]) == ("Sardor Helper", "sos.helper")
    assert [(each["channel"], each["ok"], each["answer"]) for each in message["attempts"]] == [
        ("sms", False, "HTTP 503"),
        ("sms", True, "HTTP 200 queued"),
    ]
    assert told["incidents"][0]["policy"]
    assert "4711" not in str(told)


def test_the_track_begins_five_minutes_before_the_call_and_ends_with_it(
    api: Api, database: Database, settings: BrokerSettings
) -> None:
    incident, desk = story(database, settings)
    [track] = exported(api, incident, desk)["export"]["tracks"]
    assert track["fixes"] == len(track["positions"]) == 120
    assert track["positions"][0]["at"] == (NOON - 5 * MINUTE).isoformat().replace("+00:00", "Z")
    assert track["positions"][-1]["at"] < (NOON + 5 * MINUTE).isoformat()


def test_a_copy_is_told_from_a_forgery(api: Api, database: Database, settings: BrokerSettings) -> None:
    incident, desk = story(database, settings)
    copy_ = exported(api, incident, desk)
    forgery = copy.deepcopy(copy_)
    forgery["export"]["timeline"][1]["at"] = "2026-01-01T12:00:01Z"
    for said, unchanged in ((copy_, True), (forgery, False), (copy_ | {"seal": "00"}, False)):
        answer = api.post("/api/v1/incidents/exports/check/", desk, json=said)
        assert answer.json() == {"unchanged": unchanged}


def test_whoever_reads_a_record_stands_in_the_next_one(
    api: Api, database: Database, settings: BrokerSettings
) -> None:
    incident, desk = story(database, settings)
    assert exported(api, incident, desk)["export"]["audit"] == []
    [read] = exported(api, incident, desk)["export"]["audit"]
    assert (read["by"], read["action"]) == ("Demo Desk", "incident.exported")


def test_the_page_says_the_same_in_words_and_takes_no_markup_from_anybody(
    api: Api, database: Database, settings: BrokerSettings
) -> None:
    incident, desk = story(database, settings)
    answer = api.get(f"/api/v1/incidents/{incident}/export/page/", desk)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    page = answer.text
    assert "<b>Wearer" not in page
    for words in (
        "Nodira &lt;b&gt;Wearer",
        "Taken by a dispatcher",
        "Sardor Helper",
        "failed: HTTP 503",
        "safe &amp; sound",
    ):
        assert words in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_a_desk_of_another_region_gets_no_record(
    api: Api, database: Database, settings: BrokerSettings
) -> None:
    incident, _ = story(database, settings)
    other = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        session.add(Region(slug="north", name="North"))
        session.flush()
        session.get_one(Incident, incident).region = "north"
        session.get_one(User, other.id).alert_regions = []
    for path in ("export/", "export/page/"):
        assert api.get(f"/api/v1/incidents/{incident}/{path}", other).status_code == 404
