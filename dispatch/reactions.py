"""What follows from a fact or a due timer, in the transaction that marks its cause done."""

from datetime import datetime

from sqlalchemy.orm import Session

from db import notifications
from db.models import Fact, Timer
from dispatch import telling
from dispatch.errors import IllegalMove
from dispatch.sos import escalation, service


def to_fact(session: Session, fact: Fact, *, at: datetime) -> None:
    """React to something that happened."""
    match fact.kind.split("."):
        case ["sos", _]:
            notifications.request(session, "state", fact.subject, at=at)
        case ["geofence", "entered" | "left"]:
            pass  # written down with its fact, and read from there
        case _:
            raise ValueError(f"nobody knows what follows from {fact.kind!r}")


def to_timer(session: Session, timer: Timer, *, at: datetime) -> None:
    """Do what was to be done at this time, unless a person came before it."""
    try:
        match timer.kind:
            case escalation.TIMER:
                escalation.escalate(session, timer, at=at)
            case telling.TIMER:
                telling.next_channel(session, timer, at=at)
            case "countdown":
                service.activate(session, timer.subject, at=at)
            case "ack_lease":
                service.lapse(session, timer.subject, at=at)
            case _:
                raise ValueError(f"nobody knows what to do for the timer {timer.kind!r}")
    except IllegalMove:
        return
