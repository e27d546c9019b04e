"""The life of an incident: opened, looked after, answered by somebody who goes, ended."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from db import timers
from db.models import Device, HelperCall, Incident, IncidentReport, Timer, User
from db.states import CallState, IncidentState, Outcome, PositionSource
from dispatch.errors import Held
from dispatch.regions import region_of
from dispatch.sos import escalation, moving, places, policies, queries, rules, timeline
from dispatch.sos.rules import Press


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of a press: the incident it opened or joined; the same again when it is sent again."""

    incident_id: uuid.UUID
    created: bool
    repeated: bool = field(default=False, compare=False)  # the press was stored before


def report(session: Session, device_id: int, *, press: Press, at: datetime) -> Reported:
    """Open an incident for the device, or join the one that is open; a press sent again changes nothing."""
    return report_of(session, queries.lock_device(session, device_id), press=press, at=at)


def report_of(session: Session, device: Device, *, press: Press, at: datetime) -> Reported:
    """The same for a device that is held."""
    if queries.is_first(session, device.id, press.frame_id):
        return _call(session, device, press, at)
    earlier = queries.find_report(session, device.id, press.frame_id)
    if earlier is not None and _is_same(*earlier, press, at):
        return Reported(earlier[0].incident_id, created=earlier[0].opened, repeated=True)

    incident = queries.lock_open_incident(session, device.id)
    if incident is None:
        return _call(session, device, press, at)
    # After a duress pin the wearer was shown an end: this press is to look like a new call, and be seen.
    as_new = incident.shown is not None
    if as_new and earlier is not None and earlier[1] is incident:
        earlier[0].frame_id += f" {earlier[0].id}"  # the watch counts anew; no id of a frame has a blank
        session.flush()
    _join(session, incident, press, at)
    _keep_report(session, incident, device, press, at, opened=as_new)
    return Reported(incident.id, created=as_new)


def activate(session: Session, incident_id: uuid.UUID, *, at: datetime) -> Incident:
    """End the countdown: from now on people are asked."""
    incident = moving.hold(session, incident_id, "activate")
    moving.move(incident, IncidentState.ACTIVE)
    escalation.start(session, incident, at=at)
    timeline.record(session, incident, "activated", at=at)
    return incident


def acknowledge(session: Session, incident_id: uuid.UUID, *, by: int, at: datetime) -> Incident:
    """Look after it, so that nobody further is woken; the same dispatcher may say so again and keeps it.

    What another looks after is theirs until the lease ends or it is reassigned.
    """
    incident = moving.hold(session, incident_id, "acknowledge")
    if incident.acknowledged_by_id == by:
        moving.renew(session, incident, at=at)
        return incident
    if moving.is_leased(session, incident, at=at):
        raise _held(session, incident)
    if incident.state == IncidentState.ACTIVE:
        moving.move(incident, IncidentState.ACKNOWLEDGED)
        escalation.stop(session, incident, at=at)
    incident.acknowledged_by_id, incident.acknowledged_at = by, at
    moving.renew(session, incident, at=at)
    timeline.record(session, incident, "acknowledged", by=by, at=at)
    return incident


def lapse(session: Session, incident_id: uuid.UUID, *, at: datetime) -> Incident:
    """Nobody was heard of since the acknowledgement: ask again, from the step that was reached.

    While somebody is on their way it lapses without a word: the check on the scene goes on.
    """
    incident = moving.hold(session, incident_id, "lapse")
    moving.ask_again(session, incident, at=at)
    timeline.record(session, incident, "acknowledgement_lapsed", at=at)
    return incident


def responding(session: Session, incident: Incident, *, at: datetime, by: int) -> None:
    """A helper said yes: somebody goes, which is a person's answer; a second yes moves nothing."""
    _require(incident, "respond")
    if incident.state == IncidentState.RESPONDING or _somebody_is_there(session, incident):
        return
    moving.move(incident, IncidentState.RESPONDING)
    escalation.stop(session, incident, at=at)
    _watch_the_scene(session, incident, at)
    timeline.record(session, incident, "response_began", by=by, at=at)


def on_scene(session: Session, incident: Incident, *, at: datetime, by: int) -> None:
    """The first helper is there."""
    _require(incident, "arrive")
    if incident.state == IncidentState.ON_SCENE:
        return
    moving.move(incident, IncidentState.ON_SCENE)
    _watch_the_scene(session, incident, at)
    timeline.record(session, incident, "arrived", by=by, at=at)


def nobody_goes(session: Session, incident: Incident, *, at: datetime) -> None:
    """The last helper turned back: a dispatcher heard of lately has it again, else people are asked."""
    _require(incident, "call_off")
    if moving.is_leased(session, incident, at=at):
        moving.move(incident, IncidentState.ACKNOWLEDGED)
        timers.cancel(session, incident.id, moving.SCENE_CHECK, at=at)
    else:
        moving.ask_again(session, incident, at=at)
    timeline.record(session, incident, "response_ended", at=at, state=incident.state)


def check_scene(session: Session, timer: Timer, *, at: datetime) -> None:
    """Somebody goes, or is there, and nothing was heard for long: ask the dispatchers, again and again."""
    incident = queries.lock_incident(session, timer.subject)
    if incident.state not in rules.SOMEBODY_GOES:
        return
    _watch_the_scene(session, incident, at)
    late_s = round((at - timer.due_at).total_seconds(), 3)
    timeline.record(session, incident, "scene_asked_after", at=at, state=incident.state, late_s=late_s)


def resolve(
    session: Session, incident_id: uuid.UUID, *, by: int, outcome: Outcome, note: str = "", at: datetime
) -> Incident:
    """End it, and with it what is merged into it; saying so again with the same outcome changes nothing."""
    incident = queries.lock_incident(session, incident_id)
    if incident.state == IncidentState.RESOLVED and incident.outcome == outcome:
        return incident
    moving.require_own(incident)
    rules.check_verb("resolve", incident.state)
    moving.end(session, incident, outcome=outcome, by=by, note=note, at=at)
    for merged in moving.lock_merged(session, incident):
        moving.end(session, merged, outcome=outcome, by=by, note=note, at=at)
    return incident


def _require(incident: Incident, verb: str) -> None:
    moving.require_own(incident)
    rules.check_verb(verb, incident.state)


def _somebody_is_there(session: Session, incident: Incident) -> bool:
    if incident.state != IncidentState.ON_SCENE:
        return False
    there = exists().where(
        HelperCall.incident_id == incident.id,
        HelperCall.state == CallState.ON_SCENE,
        HelperCall.ended_at.is_(None),
    )
    return bool(session.scalar(select(there)))


def _watch_the_scene(session: Session, incident: Incident, at: datetime) -> None:
    timers.set_timer(session, incident.id, moving.SCENE_CHECK, due_at=at + rules.SCENE_CHECK, at=at)


def _held(session: Session, incident: Incident) -> Held:
    holder = session.get_one(User, incident.acknowledged_by_id)
    name = holder.full_name or "another dispatcher"
    return Held(f"{name} looks after this; reassign it to take it over, or to hand it on")


def _is_same(stored: IncidentReport, incident: Incident, press: Press, at: datetime) -> bool:
    return rules.is_same_press(
        stored_device_at=stored.device_at,
        stored_received_at=stored.received_at,
        # Who was shown an end presses anew, whatever goes on unseen.
        incident_open=incident.state != IncidentState.RESOLVED and incident.shown is None,
        device_at=press.device_at,
        at=at,
    )


def _call(session: Session, device: Device, press: Press, at: datetime) -> Reported:
    incident = _open(session, device, press, at)
    _keep_report(session, incident, device, press, at, opened=True)
    return Reported(incident.id, created=True)


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
        level=0,
        reports=1,
        revision=0,
        exercise=press.exercise or device.canary,
        canary=device.canary,
    )
    _place(session, incident, press, at)
    incident.region = region_of(session, incident.lat, incident.lon)
    policies.freeze(session, incident)
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
        moving.move(incident, IncidentState.ACTIVE)
        escalation.start(session, incident, at=at)
    incident.cancel_asked_at = incident.shown = None  # whoever presses again wants help
    timeline.record(session, incident, "joined", at=at, via=press.via, type=press.type)


def _place(session: Session, incident: Incident, press: Press, at: datetime) -> None:
    if press.lat is not None and press.lon is not None:
        places.move_to(session, incident, press.lat, press.lon, at=at)
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
