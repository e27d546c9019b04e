"""What is kept, and for how long."""

import uuid
from datetime import timedelta

from sqlalchemy import func, select

from db import outbox, retention
from db.models import Fact, Incident, Position, QuarantinedFrame
from db.session import Database
from db.states import Clock, WorkStatus
from tests.builders import NOON, make_device, report

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
