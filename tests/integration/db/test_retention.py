"""What is kept, and for how long."""

import uuid
from datetime import timedelta

from sqlalchemy import func, select

from db import notifications, outbox, retention
from db.models import (
    CanaryCall,
    Delivery,
    Fact,
    Incident,
    Message,
    Notification,
    Order,
    OrderLink,
    Position,
    QuarantinedFrame,
    SystemAlert,
)
from db.session import Database
from db.states import Clock, IncidentState, WorkStatus
from tests.builders import NOON, make_device, make_user, report
from tests.ordering import place_order

DAY = timedelta(days=1)


def position(device_id: int, age: timedelta) -> Position:
    at = NOON - age
    return Position(device_id=device_id, at=at, seq=1, received_at=at, clock=Clock.DEVICE, lat=41.3, lon=69.2)


def test_old_samples_and_finished_work_go_and_incidents_stay(database: Database) -> None:
    device = make_device(database)
    reported = report(database, device, at=NOON - 400 * DAY)
    with database.transaction() as session:
        session.add_all([position(device.id, 200 * DAY), position(device.id, DAY)])
        session.add(
            QuarantinedFrame(received_at=NOON - 40 * DAY, lane="sos", topic="t", reason="empty", payload=b"")
        )
        outbox.append(session, "old", uuid.UUID(int=1), at=NOON - 50 * DAY)
        outbox.append(session, "old but never done", uuid.UUID(int=2), at=NOON - 50 * DAY)
        session.flush()
        done = session.scalars(select(Fact).where(Fact.kind == "old")).one()
        done.status, done.finished_at = WorkStatus.DONE, NOON - 50 * DAY

    gone = retention.prune(database, at=NOON)

    assert {name: count for name, count in gone.items() if count} == {
        "positions": 1,
        "quarantine": 1,
        "outbox": 1,
    }
    with database.transaction() as session:
        assert session.scalars(select(Position.at)).all() == [NOON - DAY]
        assert "old but never done" in session.scalars(select(Fact.kind)).all()
        assert session.scalar(select(func.count()).select_from(Incident)) == 1
        assert session.get_one(Incident, reported.incident_id)


def test_what_somebody_was_told_of_an_incident_is_kept_but_for_its_words(database: Database) -> None:
    incident = report(database, make_device(database), at=NOON - 400 * DAY).incident_id
    person, old = make_user(database), NOON - 50 * DAY
    with database.transaction() as session:
        for about, key in ((incident, "kept"), (None, "gone")):
            message = Message(
                user_id=person.id,
                incident_id=about,
                key=key,
                text="sos.helper",
                sealed="words",
                channels=["sms"],
                created_at=old,
                until_at=old,
            )
            session.add(message)
            session.flush()
            notifications.request(session, "sms", message.uuid, at=old)
        session.flush()
        for sent in session.scalars(select(Notification).where(Notification.kind == "sms")):
            notifications.record_attempt(session, sent, ok=True, answer="HTTP 200", at=old)
            sent.status, sent.finished_at = WorkStatus.DONE, old

    retention.prune(database, at=NOON)

    with database.transaction() as session:
        [kept] = session.scalars(select(Message))
        assert (kept.key, kept.sealed) == ("kept", "")
        [attempt] = session.scalars(select(Delivery))
        assert attempt.answer == "HTTP 200"


def test_calls_that_nobody_made_go_with_finished_work(database: Database) -> None:
    with database.transaction() as session:
        for age in (40 * DAY, DAY):
            reported = report(database, make_device(database), at=NOON - age)
            incident = session.get_one(Incident, reported.incident_id)
            incident.canary, incident.state, incident.resolved_at = True, IncidentState.RESOLVED, NOON - age
            session.add(CanaryCall(sent_at=NOON - age, incident_id=incident.id))
            session.add(
                SystemAlert(region="default", what="disk", message="", since=NOON - age, ended_at=NOON - age)
            )
    gone = retention.prune(database, at=NOON)
    assert (gone["canary_incidents"], gone["canary_calls"], gone["system_alerts"]) == (1, 1, 1)


def test_an_order_stays_and_the_links_to_it_go_a_month_after_its_end(database: Database) -> None:
    ended_days_ago = {31: place_order(database), 29: place_order(database), None: place_order(database)}
    with database.transaction() as session:
        for days, order in ended_days_ago.items():
            session.get_one(Order, order.id).ended_at = NOON - days * DAY if days else None
            session.add(OrderLink(token_hash=str(order.id), order_id=order.id, created_at=NOON - 31 * DAY))

    assert retention.prune(database, at=NOON)["order_links"] == 1

    with database.transaction() as session:
        left = session.scalars(select(OrderLink.order_id).order_by(OrderLink.order_id)).all()
        assert left == [ended_days_ago[29].id, ended_days_ago[None].id]
        assert session.scalar(select(func.count()).select_from(Order)) == 3
