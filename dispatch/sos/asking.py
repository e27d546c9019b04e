"""Taking a step of an escalation: asking each of those it names, and writing down whom that reached."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from db import timers
from db.models import Incident, Timer, User
from db.session import TRANSIENT
from db.states import DutyKind, IncidentState
from dispatch import duty, telling
from dispatch.settings import public_url
from dispatch.sos import calls, escalation, guardians, queries, steps, timeline
from dispatch.sos.steps import Target

log = structlog.get_logger()

USEFUL = timedelta(minutes=15)
"""How long a message of a step is worth delivering; the next step says it anew."""

_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom asking reached, and why it were others than one would expect, or nobody."""

    count: int
    names: tuple[str, ...] = ()
    why: str = ""

    def told(self) -> dict[str, Any]:
        """As the timeline has it."""
        said: dict[str, Any] = {"count": self.count}
        if self.names:
            said["names"] = list(self.names[:_MOST_NAMES])
        return said | ({"why": self.why} if self.why else {})


Ask = Callable[[Session, Incident, str, datetime], Reached]
"""Asks, under a key by which the same step asks nobody twice."""


def escalate(session: Session, timer: Timer, *, at: datetime) -> None:
    """Take the step that is due, note how late it comes, and set the next one."""
    incident = queries.lock_incident(session, timer.subject)
    if not _is_asking(incident):
        return
    if escalation.is_opening(timer):
        _open(session, incident, timer, at)
        return
    if escalation.is_stale(timer, incident):
        if timers.find_waiting(session, incident.id, escalation.TIMER) is None:
            log.warning("a stale step was the last to wait", incident=str(incident.id), level=incident.level)
            escalation.set_next(session, incident, timer, due_at=at, at=at)
        return
    incident.level += 1
    reached = _ask(session, incident, timer, at)
    due_at = steps.next_due(
        incident.policy,
        level=incident.level,
        repeat_s=incident.repeat_s,
        reached=_anybody(incident, reached),
        due_at=timer.due_at,
        at=at,
    )
    escalation.set_next(session, incident, timer, due_at=due_at, at=at)
    _record(session, incident, "escalated", reached, late=at - timer.due_at, at=at)


def begin(session: Session, incident_id: UUID, *, at: datetime) -> None:
    """Take the first step of a round that has just begun, if one has; said again, it changes nothing."""
    waiting = timers.find_waiting(session, incident_id, escalation.TIMER)
    if waiting is None or not escalation.is_opening(waiting):
        return
    incident = queries.lock_incident(session, incident_id)
    # Asked again: whoever held the incident meanwhile may have taken the step, or answered.
    waiting = timers.find_waiting(session, incident_id, escalation.TIMER)
    if waiting is not None and escalation.is_opening(waiting) and _is_asking(incident):
        _open(session, incident, waiting, at)


def _open(session: Session, incident: Incident, waiting: Timer, at: datetime) -> None:
    reached = _ask(session, incident, waiting, at)
    goes_on_now = not _anybody(incident, reached) and not steps.is_last(incident.policy, incident.level)
    due_at = at if goes_on_now else waiting.due_at
    escalation.set_next(session, incident, waiting, due_at=due_at, at=at)
    _record(session, incident, "asked", reached, late=at - waiting.created_at, at=at)


def _is_asking(incident: Incident) -> bool:
    """Not where somebody looks after it, nor where another incident speaks for it."""
    return incident.state == IncidentState.ACTIVE and incident.merged_into_id is None


def _ask(session: Session, incident: Incident, timer: Timer, at: datetime) -> dict[str, Reached]:
    if incident.canary:
        return {}  # nobody is woken by the chain trying itself
    # Each round and each repeat is another key: then people are told again, and never twice within one.
    key = f"sos:{incident.id}:{escalation.round_of(timer)}:{incident.level}"
    return {
        whom: _ask_one(session, incident, whom, key, at)
        for whom in steps.whom_at(incident.policy, incident.level)
    }


def _ask_one(session: Session, incident: Incident, whom: str, key: str, at: datetime) -> Reached:
    ask = TARGETS.get(whom)
    if ask is None:
        return Reached(0, why="it is not known here who that is")
    try:
        with session.begin_nested():
            return ask(session, incident, key, at)
    except TRANSIENT:
        raise
    except Exception as error:
        # Whatever is wrong with asking one, the others are asked.
        log.exception("asking failed", incident=str(incident.id), whom=whom)
        return Reached(0, why=f"asking failed: {type(error).__name__}")


def _anybody(incident: Incident, reached: dict[str, Reached]) -> bool:
    return incident.canary or any(each.count for each in reached.values())


def _record(
    session: Session,
    incident: Incident,
    what: str,
    reached: dict[str, Reached],
    *,
    late: timedelta,
    at: datetime,
) -> None:
    timeline.record(
        session,
        incident,
        what,
        at=at,
        level=incident.level,
        whom=steps.whom_at(incident.policy, incident.level),
        reached={whom: each.told() for whom, each in reached.items()},
        late_s=round(late.total_seconds(), 3),
    )


def _ask_helpers(*, wider: bool) -> Ask:
    def ask(session: Session, incident: Incident, _: str, at: datetime) -> Reached:
        asked = calls.alert_wave(session, incident, wider=wider, at=at)
        return Reached(asked, why="" if asked else "nobody is left who could come")

    return ask


def _ask_desks(kind: DutyKind, text: str) -> Ask:
    def ask(session: Session, incident: Incident, key: str, at: datetime) -> Reached:
        woken = duty.whom_to_wake(session, kind, incident.region, at=at)
        said = guardians.facts_of(session, incident) | {
            "link": public_url("/"),
            "minutes": str(max(round((at - incident.opened_at) / timedelta(minutes=1)), 1)),
        }
        reached = [person for person in woken.people if _tell(session, person, text, incident, key, at, said)]
        return Reached(len(reached), tuple(person.full_name for person in reached), woken.why)

    return ask


def _tell(
    session: Session,
    person: User,
    text: str,
    incident: Incident,
    key: str,
    at: datetime,
    said: dict[str, str],
) -> bool:
    told = telling.tell(
        session, person, text, key=key, until_at=at + USEFUL, at=at, incident_id=incident.id, **said
    )
    return told is not None


def _ask_guardians(session: Session, incident: Incident, key: str, at: datetime) -> Reached:
    told = guardians.tell(session, incident, key=key, at=at)
    names = tuple(contact.name for contact in told.reached)
    return Reached(len(names), names, told.why)


TARGETS: dict[str, Ask] = {
    Target.HELPERS: _ask_helpers(wider=False),
    Target.WIDER_RING: _ask_helpers(wider=True),
    Target.DISPATCHERS: _ask_desks(DutyKind.DISPATCHER, "sos.dispatcher"),
    Target.GUARDIANS: _ask_guardians,
    Target.SUPERVISOR: _ask_desks(DutyKind.SUPERVISOR, "sos.supervisor"),
}
"""How each of those whom a step may name is asked."""
