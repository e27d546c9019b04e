"""Asking again, and further, until a person answers: when the next step is due.

Whom a step asks is in `asking`. A round begins whenever nobody looks after an incident: when it opens, and
when those who did are not heard of any more.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import timers
from db.models import Incident, Timer
from dispatch.sos import steps
from dispatch.sos.steps import next_step

__all__ = ["TIMER", "hasten", "next_step", "set_next", "start", "stop"]

TIMER = "escalation"


def start(session: Session, incident: Incident, *, at: datetime) -> None:
    """Begin a round at the level that was reached; none waits, for the escalation was stopped or is new.

    Its first step is taken in reaction to the fact that follows: here it is only noted as not yet taken.
    """
    gap = steps.gap_after(incident.policy, incident.level, repeat_s=incident.repeat_s)
    waits_for = _waits_for(incident, round_=incident.revision, opening=True)
    timers.set_first(session, incident.id, TIMER, due_at=at + gap, at=at, **waits_for)


def stop(session: Session, incident: Incident, *, at: datetime) -> None:
    """A person answered."""
    timers.cancel(session, incident.id, TIMER, at=at)


def hasten(session: Session, incident: Incident, *, at: datetime) -> None:
    """Take the next step of an active incident at once, whatever it waits for."""
    waiting = timers.find_waiting(session, incident.id, TIMER)
    begins = _waits_for(incident, round_=incident.revision, opening=True)
    waits_for = begins if waiting is None else waiting.payload
    timers.set_timer(session, incident.id, TIMER, due_at=at, at=at, **waits_for)


def set_next(session: Session, incident: Incident, taken: Timer, *, due_at: datetime, at: datetime) -> None:
    """Set the step after the level that was reached, in the round of the one that was taken."""
    waits_for = _waits_for(incident, round_=round_of(taken))
    timers.set_timer(session, incident.id, TIMER, due_at=due_at, at=at, **waits_for)


def is_opening(timer: Timer) -> bool:
    """Whether the first step of its round has not been taken yet."""
    return bool(timer.payload.get("opening"))


def is_stale(timer: Timer, incident: Incident) -> bool:
    """Whether it was set for a level that the incident has left meanwhile."""
    return bool(timer.payload.get("level", incident.level + 1) != incident.level + 1)


def round_of(timer: Timer) -> int:
    """The revision at which the round began."""
    return int(timer.payload.get("round", 0))


def _waits_for(incident: Incident, *, round_: int, opening: bool = False) -> dict[str, Any]:
    level = incident.level + 1
    whom = steps.whom_at(incident.policy, level)
    return {"level": level, "whom": whom, "round": round_, "opening": opening}
