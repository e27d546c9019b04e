"""Asking again, and further, until a person answers."""

from datetime import datetime

from sqlalchemy.orm import Session

from db import timers
from db.models import Incident, Timer
from db.states import IncidentState
from dispatch.sos import queries, rules, timeline

TIMER = "escalation"


def start(session: Session, incident: Incident, *, at: datetime) -> None:
    """Set the step after the level that was reached; none waits, for the escalation was stopped or is new."""
    timers.set_first(
        session,
        incident.id,
        TIMER,
        due_at=at + rules.gap_after(incident.policy, incident.level),
        at=at,
        whom=_whom_next(incident),
    )


def stop(session: Session, incident: Incident, *, at: datetime) -> None:
    """A person answered."""
    timers.cancel(session, incident.id, TIMER, at=at)


def hasten(session: Session, incident: Incident, *, at: datetime) -> None:
    """Take the next step at once, whatever it waits for."""
    timers.set_timer(session, incident.id, TIMER, due_at=at, at=at, whom=_whom_next(incident))


def escalate(session: Session, timer: Timer, *, at: datetime) -> None:
    """Take the step that is due, note how late it comes, and set the next one."""
    incident = queries.lock_incident(session, timer.subject)
    if incident.state != IncidentState.ACTIVE or incident.merged_into_id is not None:
        return
    incident.level += 1
    next_due_at = rules.next_due(incident.policy, level=incident.level, due_at=timer.due_at, at=at)
    timers.set_timer(session, incident.id, TIMER, due_at=next_due_at, at=at, whom=_whom_next(incident))
    timeline.record(
        session,
        incident,
        "escalated",
        at=at,
        level=incident.level,
        whom=rules.whom_at(incident.policy, level=incident.level),
        late_s=round((at - timer.due_at).total_seconds(), 3),
    )


def _whom_next(incident: Incident) -> str:
    return rules.whom_at(incident.policy, level=incident.level + 1)
