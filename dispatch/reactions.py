"""What follows from a fact or a due timer, in the transaction that marks its cause done."""

from datetime import datetime

from sqlalchemy.orm import Session

from db.models import Fact, Timer
from db.states import IncidentState
from dispatch import telling, webhooks
from dispatch.errors import IllegalMove
from dispatch.sos import asking, calls, escalation, merge, moving, queries, service, showing
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
            case _:
                raise ValueError(f"nobody knows what to do for the timer {timer.kind!r}")
    except IllegalMove:
        return


def _to_sos(session: Session, fact: Fact, what: str, *, at: datetime) -> None:
    match what:
        case "opened" | "activated" | "reopened":
            merge.propose(session, fact.subject, at=at)
        case "acknowledgement_lapsed" | "took_in":
            calls.look_again(session, fact.subject, at=at)
        case "joined" | "cancel_asked" | "cancel_refused" | "cancelled_under_duress" | "resolved":
            merge.tell_parent(session, fact.subject, what, at=at)
            if what == "resolved":
                _end_calls(session, fact, at=at)
        case _:
            pass  # seen on the timeline and the alert


def _end_calls(session: Session, fact: Fact, *, at: datetime) -> None:
    incident = queries.lock_incident(session, fact.subject)
    if incident.state == IncidentState.RESOLVED:  # else it was reopened meanwhile
        calls.end_all(session, incident, why=Why.OVER, at=at)
