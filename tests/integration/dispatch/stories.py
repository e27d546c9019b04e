"""What tests of an incident's life ask of the database."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select

from db.models import Fact, Incident, IncidentEvent, Notification, Timer
from db.session import Database
from db.states import WorkStatus
from dispatch import relay
from dispatch.sos.service import Reported
from tests.builders import device_of


def timeline(database: Database, incident_id: uuid.UUID) -> list[str]:
    """What happened, in the order in which it did."""
    return [line.kind for line in lines(database, incident_id)]


def lines(database: Database, incident_id: uuid.UUID, *kinds: str) -> list[IncidentEvent]:
    """The lines of a timeline, or those of these kinds."""
    wanted = select(IncidentEvent).where(IncidentEvent.incident_id == incident_id)
    if kinds:
        wanted = wanted.where(IncidentEvent.kind.in_(kinds))
    with database.transaction() as session:
        return list(session.scalars(wanted.order_by(IncidentEvent.id)))


def detail(database: Database, incident_id: uuid.UUID, kind: str) -> dict[str, Any]:
    """What the one line of this kind says."""
    [line] = lines(database, incident_id, kind)
    return line.detail


def waiting(database: Database, incident_id: uuid.UUID) -> dict[str, datetime]:
    """The timers of an incident, and when they are due."""
    with database.transaction() as session:
        rows = session.execute(
            select(Timer.kind, Timer.due_at).where(
                Timer.subject == incident_id, Timer.status == WorkStatus.WAITING
            )
        )
        return {row.kind: row.due_at for row in rows}


def settle(database: Database, at: datetime) -> None:
    """Let the house react until nothing is due."""
    while relay.turn(database, at=at):
        pass


def now(database: Database, incident_id: uuid.UUID) -> Incident:
    """The incident as it stands."""
    with database.transaction() as session:
        return session.get_one(Incident, incident_id)


def troubles(database: Database) -> list[str | None]:
    """What reactions stumbled over."""
    with database.transaction() as session:
        stumbled = [session.scalars(select(work.last_error)).all() for work in (Fact, Timer)]
    return [error for errors in stumbled for error in errors if error]


def told(database: Database, reported: Reported) -> int:
    """How often the device that called was told how its call stands."""
    device = device_of(database, reported)
    with database.transaction() as session:
        asked = select(Notification).where(Notification.subject == device.uuid, Notification.kind == "state")
        return len(session.scalars(asked).all())
