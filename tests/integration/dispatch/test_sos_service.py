"""The verbs of an incident, on a real database."""

import threading
import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from db.models import (
    DeviceLast,
    Fact,
    Incident,
    IncidentEvent,
    IncidentReport,
    Notification,
    Region,
    Timer,
)
from db.session import Database
from db.states import IncidentState, Outcome, PositionSource, Role, WorkStatus
from dispatch import relay
from dispatch.errors import Held, IllegalMove, NotFound
from dispatch.sos import cancelling, rules, service
from dispatch.sos.cancelling import Cancelled
from tests.builders import NOON, TASHKENT, incident_of, make_device, make_user, press, report

SECOND = timedelta(seconds=1)


def timeline(database: Database, incident_id: uuid.UUID) -> list[str]:
    with database.transaction() as session:
        return list(
            session.scalars(
                select(IncidentEvent.kind)
                .where(IncidentEvent.incident_id == incident_id)
                .order_by(IncidentEvent.id)
            )
        )


def waiting_timers(database: Database, incident_id: uuid.UUID) -> dict[str, datetime]:
    with database.transaction() as session:
        rows = session.execute(
            select(Timer.kind, Timer.due_at).where(
                Timer.subject == incident_id, Timer.status == WorkStatus.WAITING
            )
        )
        return {row.kind: row.due_at for row in rows}


def settle(database: Database, at: datetime) -> None:
    """Let the relay react until nothing is due."""
    while relay.turn(database, at=at):
        pass


def test_a_press_opens_an_incident_with_its_first_timer_its_fact_and_its_alert(database: Database) -> None:
    reported = report(database, make_device(database), **TASHKENT, severity=4, battery_pct=84)
    incident = incident_of(database, reported)
    assert reported.created
    assert (incident.state, incident.severity, incident.battery_pct) == (IncidentState.ACTIVE, 4, 84)
    assert (incident.lat, incident.lon) == (TASHKENT["lat"], TASHKENT["lon"])
    assert incident.position_source == PositionSource.PRESS
    assert waiting_timers(database, incident.id) == {"escalation": NOON + 30 * SECOND}
    with database.transaction() as session:
        assert session.scalars(select(Fact.kind).where(Fact.subject == incident.id)).all() == ["sos.opened"]
        requested = select(Notification.kind).where(Notification.subject == incident.id)
        assert session.scalars(requested).all() == ["alert"]


def test_a_press_sent_again_gets_the_same_answer_and_changes_nothing(database: Database) -> None:
    device = make_device(database)
    first = report(database, device, frame_id="7f3a")
    before = incident_of(database, first).revision
    again = report(database, device, at=NOON + SECOND, frame_id="7f3a")
    assert again == first
    assert incident_of(database, first).revision == before
    assert timeline(database, first.incident_id) == ["opened"]


def test_a_second_press_joins_the_open_incident(database: Database) -> None:
    device = make_device(database)
    first = report(database, device)
    second = report(database, device, at=NOON + 5 * SECOND, severity=5, **TASHKENT)
    incident = incident_of(database, first)
    assert second.incident_id == first.incident_id
    assert not second.created
    assert (incident.reports, incident.severity, incident.lat) == (2, 5, TASHKENT["lat"])
    assert timeline(database, incident.id) == ["opened", "joined"]


def test_the_answer_to_a_press_that_joined_stays_the_same_when_it_is_sent_again(database: Database) -> None:
    device = make_device(database)
    report(database, device)
    joined = report(database, device, frame_id="second")
    assert report(database, device, frame_id="second") == joined


def test_a_frame_id_used_again_after_the_incident_was_resolved_opens_a_new_one(database: Database) -> None:
    device, desk = make_device(database), make_user(database, Role.DISPATCHER)
    first = report(database, device, frame_id="1")
    with database.transaction() as session:
        service.resolve(session, first.incident_id, by=desk.id, outcome=Outcome.ASSISTED, at=NOON)
    assert report(database, device, at=NOON + 5 * SECOND, frame_id="1") == first
    next_day = report(database, device, at=NOON + timedelta(days=1), frame_id="1")
    assert next_day.created
    assert next_day.incident_id != first.incident_id


def test_two_workers_with_the_same_press_make_one_incident(database: Database) -> None:
    device = make_device(database)
    together = threading.Barrier(8)
    answers: list[service.Reported] = []

    def work() -> None:
        together.wait()
        answers.append(report(database, device, frame_id="7f3a"))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(answers) == 8
    assert len(set(answers)) == 1
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(IncidentReport)) == 1


def test_a_press_without_a_position_takes_the_last_known_one(database: Database) -> None:
    device = make_device(database)
    with database.transaction() as session:
        seen = NOON - timedelta(minutes=7)
        session.add(
            DeviceLast(device_id=device.id, last_seen_at=seen, position_at=seen, accuracy_m=9.0, **TASHKENT)
        )
    incident = incident_of(database, report(database, device))
    assert incident.position_source == PositionSource.LAST_KNOWN
    assert (incident.lat, incident.position_at) == (TASHKENT["lat"], NOON - timedelta(minutes=7))


def test_a_press_without_any_known_position_is_opened_all_the_same(database: Database) -> None:
    incident = incident_of(database, report(database, make_device(database)))
    assert (incident.state, incident.lat, incident.region) == (IncidentState.ACTIVE, None, "default")


def test_an_incident_belongs_to_the_region_that_covers_it_and_to_the_more_important_of_two(
    database: Database,
) -> None:
    with database.transaction() as session:
        box = "MULTIPOLYGON(((69 41, 70 41, 70 42, 69 42, 69 41)))"
        session.add(Region(slug="city", name="City", area=f"SRID=4326;{box}", priority=1))
        session.add(Region(slug="country", name="Country", area=f"SRID=4326;{box}", priority=0))
    assert incident_of(database, report(database, make_device(database), **TASHKENT)).region == "city"
    assert (
        incident_of(database, report(database, make_device(database), lat=1.0, lon=1.0)).region == "default"
    )


def test_a_held_press_counts_down_on_the_server_and_opens_though_the_watch_is_dead(
    database: Database,
) -> None:
    reported = report(database, make_device(database), hold_s=15)
    assert incident_of(database, reported).state == IncidentState.COUNTDOWN
    assert waiting_timers(database, reported.incident_id) == {"countdown": NOON + 15 * SECOND}
    settle(database, NOON + 14 * SECOND)
    assert incident_of(database, reported).state == IncidentState.COUNTDOWN
    settle(database, NOON + 15 * SECOND)
    assert incident_of(database, reported).state == IncidentState.ACTIVE
    assert set(waiting_timers(database, reported.incident_id)) == {"escalation"}


def test_a_countdown_is_not_shown_to_dispatchers(database: Database) -> None:
    reported = report(database, make_device(database), hold_s=15)
    with database.transaction() as session:
        alerts = select(Notification).where(Notification.subject == reported.incident_id)
        assert session.scalars(alerts.where(Notification.kind == "alert")).all() == []


def test_a_cancelled_countdown_ends_and_answers_the_same_again(database: Database) -> None:
    device = make_device(database)
    reported = report(database, device, frame_id="7f3a", hold_s=15)
    for _ in range(2):
        with database.transaction() as session:
            ended = cancelling.cancel(session, device.id, frame_id="7f3a", at=NOON + SECOND)
        assert ended == Cancelled(reported.incident_id)
    incident = incident_of(database, reported)
    assert (incident.state, incident.outcome) == (IncidentState.RESOLVED, Outcome.CANCELLED)
    settle(database, NOON + 60 * SECOND)
    assert incident_of(database, reported).state == IncidentState.RESOLVED


def test_a_press_during_the_countdown_opens_at_once(database: Database) -> None:
    device = make_device(database)
    reported = report(database, device, hold_s=60)
    report(database, device, at=NOON + SECOND)
    assert incident_of(database, reported).state == IncidentState.ACTIVE
    assert set(waiting_timers(database, reported.incident_id)) == {"escalation"}


def test_a_cancel_of_an_active_incident_is_shown_and_left_to_a_person(database: Database) -> None:
    device = make_device(database)
    reported = report(database, device, frame_id="7f3a")
    with database.transaction() as session:
        cancelling.cancel(session, device.id, frame_id="7f3a", at=NOON + SECOND)
    incident = incident_of(database, reported)
    assert (incident.state, incident.cancel_asked_at) == (IncidentState.ACTIVE, NOON + SECOND)
    assert "escalation" in waiting_timers(database, reported.incident_id)


def test_an_acknowledgement_stops_the_escalation(database: Database) -> None:
    desk, reported = make_user(database, Role.DISPATCHER), report(database, make_device(database))
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON + 10 * SECOND)
    settle(database, NOON + 100 * SECOND)
    incident = incident_of(database, reported)
    assert (incident.state, incident.level) == (IncidentState.ACKNOWLEDGED, 0)
    assert incident.acknowledged_by_id == desk.id


def test_an_acknowledgement_that_nobody_renews_lapses_and_people_are_asked_again(database: Database) -> None:
    desk, reported = make_user(database, Role.DISPATCHER), report(database, make_device(database))
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON)
    settle(database, NOON + rules.ACK_LEASE)
    incident = incident_of(database, reported)
    assert (incident.state, incident.acknowledged_by_id) == (IncidentState.ACTIVE, None)
    assert waiting_timers(database, reported.incident_id) == {
        "escalation": NOON + rules.ACK_LEASE + 30 * SECOND
    }


def test_saying_it_again_renews_the_acknowledgement(database: Database) -> None:
    desk, reported = make_user(database, Role.DISPATCHER), report(database, make_device(database))
    for after_s in (0, 100):
        with database.transaction() as session:
            service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON + after_s * SECOND)
    settle(database, NOON + 219 * SECOND)
    assert incident_of(database, reported).state == IncidentState.ACKNOWLEDGED
    assert timeline(database, reported.incident_id) == ["opened", "acknowledged"]


def test_a_colleague_cannot_take_what_is_taken(database: Database) -> None:
    desk, colleague = make_user(database, Role.DISPATCHER), make_user(database, Role.DISPATCHER)
    reported = report(database, make_device(database))
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON)
    with pytest.raises(Held, match="Aziza Karimova looks after this"), database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=colleague.id, at=NOON + SECOND)
    assert incident_of(database, reported).acknowledged_by_id == desk.id


def test_a_resolved_incident_has_no_timer_and_cannot_be_moved(database: Database) -> None:
    desk, reported = make_user(database, Role.DISPATCHER), report(database, make_device(database))
    for _ in range(2):
        with database.transaction() as session:
            service.resolve(session, reported.incident_id, by=desk.id, outcome=Outcome.ASSISTED, at=NOON)
    assert waiting_timers(database, reported.incident_id) == {}
    assert timeline(database, reported.incident_id) == ["opened", "resolved"]
    with pytest.raises(IllegalMove), database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON)


def test_every_change_raises_the_revision(database: Database) -> None:
    device, desk = make_device(database), make_user(database, Role.DISPATCHER)
    reported = report(database, device)
    revisions = [incident_of(database, reported).revision]
    report(database, device)
    revisions.append(incident_of(database, reported).revision)
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=desk.id, at=NOON)
    revisions.append(incident_of(database, reported).revision)
    assert revisions == [1, 2, 3]


def test_what_does_not_exist_is_said_not_to(database: Database) -> None:
    with pytest.raises(NotFound), database.transaction() as session:
        service.acknowledge(session, uuid.uuid4(), by=1, at=NOON)
    with pytest.raises(NotFound), database.transaction() as session:
        service.report(session, 4711, press=press(), at=NOON)


def test_a_press_that_fails_halfway_leaves_nothing(database: Database) -> None:
    device = make_device(database)

    def press_and_die() -> None:
        with database.transaction() as session:
            service.report(session, device.id, press=press(), at=NOON)
            raise RuntimeError("the process dies here")

    with pytest.raises(RuntimeError):
        press_and_die()
    with database.transaction() as session:
        for table in (Incident, IncidentReport, Timer, Fact, Notification):
            assert session.scalar(select(func.count()).select_from(table)) == 0
