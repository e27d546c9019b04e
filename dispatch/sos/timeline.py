"""What every change of an incident leaves behind."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import notifications, outbox
from db.models import Incident, IncidentEvent
from db.states import IncidentState


def record(
    session: Session, incident: Incident, what: str, *, at: datetime, by: int | None = None, **detail: Any
) -> None:
    """Leave a line on the timeline and a fact, and have the dispatchers shown the change at once."""
    incident.revision += 1
    session.add(IncidentEvent(incident=incident, at=at, kind=what, by_id=by, detail=detail))
    outbox.append(session, f"sos.{what}", incident.id, at=at)
    _ask_for_alert(session, incident, at)


def show_again(session: Session, incident: Incident, *, at: datetime) -> None:
    """Have the dispatchers shown what changes too often to be a line each: where the wearer is."""
    incident.revision += 1
    _ask_for_alert(session, incident, at)


def _ask_for_alert(session: Session, incident: Incident, at: datetime) -> None:
    if incident.state != IncidentState.COUNTDOWN:
        notifications.request(session, "alert", incident.id, at=at)
