"""What follows from a fact or a due timer, in the transaction that marks its cause done."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Fact, Incident, Timer
from db.states import IncidentState
from dispatch import telling, webhooks
from dispatch.errors import IllegalMove
from dispatch.sos import (
    asking,
    calls,
    escalation,
    guardians,
    merge,
    moving,
    queries,
    service,
    showing,
    watching,
)
from dispatch.sos.call_rules import Why


def to_fact(session: Session, fact: Fact, *, at: datetime) -> None:
    """React to something that happened."""
    webhooks.spread(session, fact, at=at)
    match fact.kind.split("."):
        case ["sos", what]:
            showing.show(session, fact.subject, what, at=at)
            _to_sos(session, fact, what, at=at)
            asking.begin(session, fact.subject, at=at)
        case ["geofence", "entered" | "left"]:
            pass  # written down with its fact, and read from there
        case _:
            raise ValueError(f"nobody knows what follows from {fact.kind!r}")


def hold(session: Session, timer: Timer) -> None:
    """Hold the incident that a timer is of; a message that waits for its person is of none."""
    if timer.kind == telling.TIMER:
        return
    incident_id = UUID(timer.payload["incident"]) if timer.kind == watching.TIMER else timer.subject
    session.execute(select(Incident.id).where(Incident.id == incident_id).with_for_update())


def to_timer(session: Session, timer: Timer, *, at: datetime) -> None:
    """Do what was to be done at this time, unless a person came before it."""
    try:
        match timer.kind:
            case escalation.TIMER:
                asking.escalate(session, timer, at=at)
            case telling.TIMER:
                telling.next_channel(session, timer, at=at)
            case "countdown":
                service.activate(session, timer.subject, at=at)
            case moving.ACK_LEASE:
                service.lapse(session, timer.subject, at=at)
            case moving.SCENE_CHECK:
                service.check_scene(session, timer, at=at)
            case calls.TIMER:
                calls.look_again(session, timer.subject, at=at)
            case watching.TIMER:
                watching.slow_down(session, timer, at=at)
            case _:
                raise ValueError(f"nobody knows what to do for the timer {timer.kind!r}")
    except IllegalMove:
        return


def _to_sos(session: Session, fact: Fact, what: str, *, at: datetime) -> None:
    match what:
        case "opened" | "activated" | "reopened":
            merge.propose(session, fact.subject, at=at)
            watching.begin(session, fact.subject, at=at)
        case "acknowledgement_lapsed" | "took_in":
            calls.look_again(session, fact.subject, at=at)
        case "joined":
            merge.tell_parent(session, fact.subject, what, at=at)
            watching.begin(session, fact.subject, at=at)
        case "resolved":
            merge.tell_parent(session, fact.subject, what, at=at)
            watching.end(session, fact.subject, at=at)
            _tell_that_it_is_over(session, fact.subject, at=at)
        case "cancel_asked" | "cancel_refused" | "cancelled_under_duress" | "signal_lost" | "signal_found":
            merge.tell_parent(session, fact.subject, what, at=at)
        case _:
            pass  # seen on the timeline and the alert


def _tell_that_it_is_over(session: Session, incident_id: UUID, *, at: datetime) -> None:
    incident = queries.lock_incident(session, incident_id)
    if incident.state == IncidentState.RESOLVED:  # else it was reopened meanwhile
        telling.withdraw(session, incident.id, at=at)
        calls.end_all(session, incident, why=Why.OVER, at=at)
        guardians.tell_end(session, incident, at=at)
