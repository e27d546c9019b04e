"""The verbs of an incident; each works in the caller's transaction and leaves a line on the timeline."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from db import timers
from db.models import Device, Incident, IncidentReport
from db.states import IncidentState, Outcome, PositionSource
from dispatch.regions import region_of
from dispatch.sos import escalation, queries, rules, timeline
from dispatch.sos.rules import Press


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of a press: the incident it opened or joined; the same again when it is sent again."""

    incident_id: uuid.UUID
    created: bool
    repeated: bool = field(default=False, compare=False)  # the press was stored before


def report(session: Session, device_id: int, *, press: Press, at: datetime) -> Reported:
    """Open an incident for the device, or join the one that is open; a press sent again changes nothing."""
    device = queries.lock_device(session, device_id)
    earlier = queries.find_report(session, device.id, press.frame_id)
    if earlier is not None and _is_same(*earlier, press, at):
        return Reported(earlier[0].incident_id, created=earlier[0].opened, repeated=True)

    incident = queries.lock_open_incident(session, device.id)
    if incident is None:
        incident = _open(session, device, press, at)
        _keep_report(session, incident, device, press, at, opened=True)
        return Reported(incident.id, created=True)
    _join(session, incident, press, at)
    _keep_report(session, incident, device, press, at, opened=False)
    return Reported(incident.id, created=False)


def ask_cancel(session: Session, device_id: int, *, frame_id: str, at: datetime) -> uuid.UUID | None:
    """The wearer takes it back: a countdown ends; what is already active is for a person to judge.

    The answer to a cancel sent again is the incident that it ended.
    """
    queries.lock_device(session, device_id)
    incident = queries.lock_open_incident(session, device_id)
    if incident is None:
        earlier = queries.find_report(session, device_id, frame_id)
        return None if earlier is None else earlier[0].incident_id
    if incident.state == IncidentState.COUNTDOWN:
        _end(session, incident, outcome=Outcome.CANCELLED, by=None, note="", at=at)
    elif incident.cancel_asked_at is None:
        incident.cancel_asked_at = at
        timeline.record(session, incident, "cancel_asked", at=at)
    return incident.id


def activate(session: Session, incident_id: uuid.UUID, *, at: datetime) -> Incident:
    """End the countdown: from now on people are asked."""
    incident = queries.lock_incident(session, incident_id)
    _move(incident, IncidentState.ACTIVE)
    escalation.start(session, incident, at=at)
    timeline.record(session, incident, "activated", at=at)
    return incident


def acknowledge(session: Session, incident_id: uuid.UUID, *, by: int, at: datetime) -> Incident:
    """Stop the escalation; the same dispatcher may say so again and keeps the incident for longer."""
    incident = queries.lock_incident(session, incident_id)
    if incident.state == IncidentState.ACKNOWLEDGED and incident.acknowledged_by_id == by:
        _lease(session, incident, at)
        return incident
    _move(incident, IncidentState.ACKNOWLEDGED)
    incident.acknowledged_by_id, incident.acknowledged_at = by, at
    escalation.stop(session, incident, at=at)
    _lease(session, incident, at)
    timeline.record(session, incident, "acknowledged", by=by, at=at)
    return incident


def lapse(session: Session, incident_id: uuid.UUID, *, at: datetime) -> Incident:
    """Nobody was heard of since the acknowledgement: ask again, from the step that was reached."""
    incident = queries.lock_incident(session, incident_id)
    _move(incident, IncidentState.ACTIVE)
    incident.acknowledged_by_id = incident.acknowledged_at = None
    escalation.start(session, incident, at=at)
    timeline.record(session, incident, "acknowledgement_lapsed", at=at)
    return incident


def resolve(
    session: Session, incident_id: uuid.UUID, *, by: int, outcome: Outcome, note: str = "", at: datetime
) -> Incident:
    """End the incident; saying so again with the same outcome changes nothing."""
    incident = queries.lock_incident(session, incident_id)
    if incident.state == IncidentState.RESOLVED and incident.outcome == outcome:
        return incident
    _end(session, incident, outcome=outcome, by=by, note=note, at=at)
    return incident


def _is_same(stored: IncidentReport, incident: Incident, press: Press, at: datetime) -> bool:
    return rules.is_same_press(
        stored_device_at=stored.device_at,
        stored_received_at=stored.received_at,
        incident_open=incident.state != IncidentState.RESOLVED,
        device_at=press.device_at,
        at=at,
    )


def _open(session: Session, device: Device, press: Press, at: datetime) -> Incident:
    incident = Incident(
        id=uuid.uuid4(),
        device_id=device.id,
        wearer_id=device.owner_id,
        state=IncidentState.COUNTDOWN if press.hold_s else IncidentState.ACTIVE,
        type=press.type,
        severity=press.severity,
        device_at=press.device_at,
        opened_at=at,
        battery_pct=press.battery_pct,
        policy=list(rules.DEFAULT_POLICY),
        level=0,
        reports=1,
        revision=0,
    )
    _place(session, incident, press, at)
    incident.region = region_of(session, incident.lat, incident.lon)
    session.add(incident)
    if press.hold_s:
        due_at = at + timedelta(seconds=press.hold_s)
        timers.set_first(session, incident.id, "countdown", due_at=due_at, at=at)
    else:
        escalation.start(session, incident, at=at)
    timeline.record(session, incident, "opened", at=at, via=press.via, type=press.type)
    return incident


def _join(session: Session, incident: Incident, press: Press, at: datetime) -> None:
    incident.reports += 1
    if press.severity is not None and press.severity > (incident.severity or 0):
        incident.severity = press.severity
    if press.battery_pct is not None:
        incident.battery_pct = press.battery_pct
    if press.lat is not None:
        _place(session, incident, press, at)
    if incident.state == IncidentState.COUNTDOWN and not press.hold_s:
        timers.cancel(session, incident.id, "countdown", at=at)
        _move(incident, IncidentState.ACTIVE)
        escalation.start(session, incident, at=at)
    incident.cancel_asked_at = None  # whoever presses again wants help
    timeline.record(session, incident, "joined", at=at, via=press.via, type=press.type)


def _place(session: Session, incident: Incident, press: Press, at: datetime) -> None:
    if press.lat is not None and press.lon is not None:
        incident.lat, incident.lon = press.lat, press.lon
        incident.alt_m, incident.accuracy_m = press.alt_m, press.accuracy_m
        incident.position_at = press.device_at or at
        incident.position_source = PositionSource.PRESS
        return
    last = queries.find_last_known(session, incident.device_id)
    if last is not None and last.lat is not None:
        incident.lat, incident.lon = last.lat, last.lon
        incident.alt_m, incident.accuracy_m = last.alt_m, last.accuracy_m
        incident.position_at = last.position_at
        incident.position_source = PositionSource.LAST_KNOWN


def _keep_report(
    session: Session, incident: Incident, device: Device, press: Press, at: datetime, *, opened: bool
) -> None:
    session.add(
        IncidentReport(
            incident=incident,
            device_id=device.id,
            frame_id=press.frame_id,
            opened=opened,
            via=press.via,
            type=press.type,
            severity=press.severity,
            device_at=press.device_at,
            clock=press.clock,
            received_at=at,
            lat=press.lat,
            lon=press.lon,
            alt_m=press.alt_m,
            accuracy_m=press.accuracy_m,
            battery_pct=press.battery_pct,
            raw=press.raw,
            notes=list(press.notes),
        )
    )


def _lease(session: Session, incident: Incident, at: datetime) -> None:
    timers.set_timer(session, incident.id, "ack_lease", due_at=at + rules.ACK_LEASE, at=at)


def _end(
    session: Session, incident: Incident, *, outcome: Outcome, by: int | None, note: str, at: datetime
) -> None:
    _move(incident, IncidentState.RESOLVED)
    incident.outcome = outcome
    incident.resolved_by_id, incident.resolved_at = by, at
    timers.cancel(session, incident.id, at=at)
    timeline.record(session, incident, "resolved", by=by, at=at, outcome=outcome, note=note)


def _move(incident: Incident, wanted: IncidentState) -> None:
    rules.check_move(incident.state, wanted)
    incident.state = wanted
