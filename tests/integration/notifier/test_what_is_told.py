"""What a watch and a desk are told of an incident, as it stands in the database."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from db.models import Device, Incident, Notification, User
from db.session import Database
from db.states import CallState, IncidentState, Outcome, Role
from dispatch.sos import cancelling, guardians, merge, queries, service
from dispatch.sos.service import Reported
from dispatch.sos.statements import Words
from notifier import relay
from notifier.channels import topic
from tests.builders import NOON, call_helper, device_of, make_device, make_user, report, set_pins
from tests.watchers import make_contact, send_link

SECOND = timedelta(seconds=1)


@pytest.fixture
def wearer(database: Database) -> User:
    user = make_user(database)
    set_pins(database, user)
    return user


@pytest.fixture
def watch(database: Database, wearer: User) -> Device:
    return make_device(database, wearer)


@pytest.fixture
def reported(database: Database, watch: Device) -> Reported:
    return report(database, watch, frame_id="7f3a")


def state(database: Database, reported: Reported) -> dict[str, Any]:
    device = device_of(database, reported)
    with database.transaction() as session:
        told: dict[str, Any] = json.loads(topic.state(session, device.uuid).payload)
    return told


def alert(database: Database, reported: Reported) -> dict[str, Any]:
    with database.transaction() as session:
        told: dict[str, Any] = json.loads(topic.alert(session, reported.incident_id).payload)
    return told


def is_in(database: Database, reported: Reported, now: IncidentState) -> None:
    with database.transaction() as session:
        session.execute(update(Incident).where(Incident.id == reported.incident_id).values(state=now))


def test_the_watch_shows_the_first_name_of_who_is_there_first_and_when(
    database: Database, reported: Reported
) -> None:
    far = make_user(database, Role.HELPER, name="Bekzod Aliyev")
    near = make_user(database, Role.HELPER, name="Dilnoza Rahimova")
    gone = make_user(database, Role.HELPER, name="Jamshid Umarov")
    assert state(database, reported) == {"id": "7f3a", "s": "active"}
    call_helper(database, reported.incident_id, far, eta_s=600)
    call_helper(database, reported.incident_id, near, state=CallState.EN_ROUTE, eta_s=240)
    call_helper(database, reported.incident_id, gone, state=CallState.DECLINED, eta_s=1)
    is_in(database, reported, IncidentState.RESPONDING)
    assert state(database, reported) == {"id": "7f3a", "s": "responding", "eta": 240, "who": "Dilnoza"}
    told = alert(database, reported)
    assert (told["who"], told["eta"]) == ("Dilnoza Rahimova", 240)


def test_who_is_there_comes_before_who_is_near(database: Database, reported: Reported) -> None:
    near, there = (make_user(database, Role.HELPER, name=name) for name in ("Near One", "There One"))
    call_helper(database, reported.incident_id, near, eta_s=5)
    call_helper(database, reported.incident_id, there, state=CallState.ON_SCENE, eta_s=0)
    is_in(database, reported, IncidentState.ON_SCENE)
    assert state(database, reported) == {"id": "7f3a", "s": "on_scene", "who": "There"}


def test_a_helper_without_a_name_or_a_time_is_somebody_all_the_same(
    database: Database, reported: Reported
) -> None:
    call_helper(database, reported.incident_id, make_user(database, Role.HELPER, name=" "))
    is_in(database, reported, IncidentState.RESPONDING)
    assert state(database, reported) == {"id": "7f3a", "s": "responding"}


def test_the_desk_is_told_what_happens_next(database: Database, reported: Reported) -> None:
    told = alert(database, reported)
    assert (told["next"], told["next_whom"], told["next_at"]) == (
        *("escalation", ["wider_ring", "dispatchers"]),
        "2026-01-01T12:00:30+00:00",
    )
    desk = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON)
    told = alert(database, reported)
    assert (told["next"], told["next_at"]) == ("ack_lease", "2026-01-01T12:02:00+00:00")
    assert "next_whom" not in told


def test_after_a_duress_pin_the_watch_shows_an_end_and_the_desk_the_truth(
    database: Database, watch: Device, reported: Reported
) -> None:
    helper = make_user(database, Role.HELPER)
    with database.transaction() as session:
        cancelling.cancel(session, watch.id, frame_id="7f3a", pin="9999", at=NOON)
        incident = queries.lock_incident(session, reported.incident_id)
        service.responding(session, incident, by=helper.id, at=NOON)
    call_helper(database, reported.incident_id, helper, eta_s=60)
    assert state(database, reported) == {"id": "7f3a", "s": "resolved"}
    told = alert(database, reported)
    assert (told["state"], told["duress"], told["sev"]) == ("responding", True, 5)


def test_a_merged_watch_shows_how_the_one_stands_that_speaks_for_it(
    database: Database, reported: Reported
) -> None:
    helper, desk = make_user(database, Role.HELPER, name="Dilnoza R"), make_user(database, Role.DISPATCHER)
    other = report(database, make_device(database), frame_id="b1")
    with database.transaction() as session:
        merge.merge(session, other.incident_id, into=reported.incident_id, by=desk.id, at=NOON)
    call_helper(database, reported.incident_id, helper, eta_s=60)
    with database.transaction() as session:
        incident = queries.lock_incident(session, reported.incident_id)
        service.responding(session, incident, by=helper.id, at=NOON)
    assert state(database, other) == {"id": "b1", "s": "responding", "eta": 60, "who": "Dilnoza"}
    told = alert(database, other)
    assert told["merged_into"] == str(reported.incident_id)
    assert "next" not in told
    with database.transaction() as session:
        service.resolve(session, reported.incident_id, by=desk.id, outcome=Outcome.ASSISTED, at=NOON)
    assert state(database, other) == {"id": "b1", "s": "resolved"}


class _Nobody:
    """A broker that came back."""

    generation = 2


@pytest.mark.parametrize("pin", ["4711", "9999"])
def test_a_broker_that_comes_back_is_told_no_more_of_a_feigned_end_than_of_a_real_one(
    database: Database, watch: Device, reported: Reported, pin: str
) -> None:
    with database.transaction() as session:
        cancelling.cancel(session, watch.id, frame_id="7f3a", pin=pin, at=NOON)
    counts = []
    for after_s in (30, 90):
        relay.repeat(database, _Nobody(), at=NOON + after_s * SECOND)  # type: ignore[arg-type]
        with database.transaction() as session:
            told = session.query(Notification).filter_by(subject=watch.uuid, kind="state")
            counts.append(told.count())
    assert counts == [1, 1]


def test_the_desk_is_told_what_a_guardian_said_last(database: Database) -> None:
    wearer = make_user(database)
    reported = report(database, make_device(database, wearer))
    assert "guardian" not in alert(database, reported)
    token = send_link(database, reported.incident_id, make_contact(database, wearer, name="Malika"))
    for after_s, words in ((0, Words.FINE), (5, Words.NEEDS_HELP)):
        with database.transaction() as session:
            link = guardians.find_link(session, token)
            assert link is not None
            guardians.speak(session, link, words=words, at=NOON + after_s * SECOND)
    told = alert(database, reported)
    assert (told["guardian"], told["guardian_said"], told["guardian_at"]) == (
        *("Malika", "needs_help"),
        "2026-01-01T12:00:05+00:00",
    )
