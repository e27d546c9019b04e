"""What every change of an incident leaves behind."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import changes, notifications
from db.models import Incident
from db.states import IncidentState


def record(
    session: Session, incident: Incident, what: str, *, at: datetime, by: int | None = None, **detail: Any
) -> None:
    """Leave a line on the timeline and a fact, and have the dispatchers shown the change at once."""
    incident.revision += 1
    changes.leave(session, incident.id, what, by=by, detail=detail, shown=_is_shown(incident), at=at)


def show_again(session: Session, incident: Incident, *, at: datetime) -> None:
    """Have the dispatchers shown what changes too often to be a line each: where the wearer is."""
    incident.revision += 1
    if _is_shown(incident):
        notifications.request(session, "alert", incident.id, at=at)


def _is_shown(incident: Incident) -> bool:
    return incident.state != IncidentState.COUNTDOWN
