"""What follows from a fact or a due timer, in the transaction that marks its cause done."""

from collections.abc import Sequence
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

_OPENED = frozenset({"opened", "activated", "reopened"})
_CALLS = _OPENED | {"joined"}
_CANCELLING = frozenset({"cancel_asked", "cancel_refused", "cancelled_under_duress"})
_CONCERNS_PARENT = _CANCELLING | {"joined", "resolved", "signal_lost", "signal_found"}


def to_facts(session: Session, facts: Sequence[Fact], *, at: datetime) -> None:
    """React to what happened to one subject, in the order in which it did."""
    webhooks.spread(session, facts, at=at)
    calls_for_help = []
    for fact in facts:
        match fact.kind.split("."):
            case ["sos", what]:
                calls_for_help.append(what)
            case ["geofence", "entered" | "left"]:
                pass  # written down with its fact, and read from there
            case _:
                raise ValueError(f"nobody knows what follows from {fact.kind!r}")
    if calls_for_help:
        _to_sos(session, facts[0].subject, calls_for_help, at=at)


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


def _to_sos(session: Session, incident_id: UUID, whats: Sequence[str], *, at: datetime) -> None:
    """Each goes by how the incident stands now; what is none of these is seen on its timeline and alert."""
    kinds = frozenset(whats)
    # What holds another incident comes first: whoever holds this one waits for none that speaks for it.
    for what in whats:
        if what in _CONCERNS_PARENT:
            merge.tell_parent(session, incident_id, what, at=at)
    if kinds & _OPENED:
        merge.propose(session, incident_id, at=at)
    if kinds & _CALLS:
        watching.begin(session, incident_id, at=at)
    if kinds & {"acknowledgement_lapsed", "took_in"}:
        calls.look_again(session, incident_id, at=at)
    if "resolved" in kinds:
        watching.end(session, incident_id, at=at)
        _tell_that_it_is_over(session, incident_id, at=at)
    showing.show(session, incident_id, kinds, at=at)
    asking.begin(session, incident_id, at=at)


def _tell_that_it_is_over(session: Session, incident_id: UUID, *, at: datetime) -> None:
    incident = queries.lock_incident(session, incident_id)
    if incident.state == IncidentState.RESOLVED:  # else it was reopened meanwhile
        telling.withdraw(session, incident.id, at=at)
        calls.end_all(session, incident, why=Why.OVER, at=at)
        guardians.tell_end(session, incident, at=at)
