"""The wearer's device during a call: told to report, followed where it goes, missed when it falls silent."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, exists, select, text
from sqlalchemy.orm import Session

from db import timers
from db.models import Device, DeviceCommand, DeviceLast, Incident, Timer
from db.states import CommandKind, IncidentState, PositionSource, Presence
from dispatch import commands
from dispatch.sos import places, queries, signs, timeline
from dispatch.sos.signs import Heard

TIMER = "watching"
"""Its subject is the device, of which one incident is open at most."""

_UNTOLD = (IncidentState.COUNTDOWN, IncidentState.RESOLVED)
"""Nobody was told of it, or nobody is any more."""

_OPEN = text("""
    SELECT incident.id, incident.signal_lost, incident.position_at,
           last.position_at AS fix_at, last.accuracy_m,
           ST_Distance(ST_SetSRID(ST_MakePoint(incident.lon, incident.lat), 4326)::geography,
                       ST_SetSRID(ST_MakePoint(last.lon, last.lat), 4326)::geography) AS moved_m,
           last.last_seen_at, last.presence, last.presence_at,
           coalesce(press.received_at, incident.opened_at) AS pressed_at,
           told.created_at AS told_at, CAST(told.payload ->> 'every_s' AS integer) AS every_s
    FROM incidents incident
    JOIN devices device ON device.id = incident.device_id
    LEFT JOIN device_last last ON last.device_id = incident.device_id
    LEFT JOIN timers told ON told.subject = device.uuid AND told.kind = 'watching' AND told.status = 'waiting'
    LEFT JOIN LATERAL (SELECT max(report.received_at) AS received_at FROM incident_reports report
                       WHERE report.incident_id = incident.id) press ON true
    WHERE incident.state <> 'resolved' AND incident.state <> 'countdown' AND NOT incident.canary
    ORDER BY incident.id
""")


@dataclass(frozen=True, slots=True)
class Sight:
    """How the device of an open incident was found at one look."""

    incident_id: uuid.UUID
    known_at: datetime | None  # the time of the place that is shown
    moves: bool
    heard: Heard
    was_lost: bool
    is_lost: bool


def begin(session: Session, incident_id: uuid.UUID, *, at: datetime) -> None:
    """Have the device of an open incident report often, for a while; said again meanwhile, it is the same."""
    incident = queries.lock_incident(session, incident_id)
    if incident.state in _UNTOLD or incident.canary:
        return
    device = session.get_one(Device, incident.device_id)
    waiting = timers.find_waiting(session, device.uuid, TIMER)
    if waiting is not None and waiting.payload == _order(incident, signs.FAST):
        return
    _tell(session, incident, device, signs.FAST, signs.FAST_SPAN, again=signs.FAST_SPAN, at=at)


def slow_down(session: Session, timer: Timer, *, at: datetime) -> None:
    """Have it report less often from now on, and again before that order runs out, as long as it is open."""
    incident = queries.lock_incident(session, uuid.UUID(timer.payload["incident"]))
    if incident.state == IncidentState.RESOLVED:
        return
    device = session.get_one(Device, incident.device_id)
    _tell(session, incident, device, signs.SLOW, signs.SLOW_SPAN, again=signs.SLOW_AGAIN, at=at)


def end(session: Session, incident_id: uuid.UUID, *, at: datetime) -> None:
    """It is over: the device reports as its profile says, unless it calls again already."""
    incident = queries.lock_incident(session, incident_id)
    if incident.state != IncidentState.RESOLVED:
        return
    if _calls_again(session, incident):
        return
    device = session.get_one(Device, incident.device_id)
    timers.cancel(session, device.uuid, TIMER, at=at)
    if _is_told(session, incident):
        # An order that is heard late runs out by itself in this time.
        commands.ask(session, device.id, do=CommandKind.REPORT, by=None, at=at, valid=signs.SLOW_SPAN)


def look(session: Session, *, at: datetime) -> list[Sight]:
    """What is news of the devices of open incidents: one has moved, fell silent, or is heard again."""
    sights = [_see(row, at) for row in session.execute(_OPEN)]
    return [sight for sight in sights if sight.moves or sight.is_lost != sight.was_lost]


def take(session: Session, sight: Sight, *, at: datetime) -> None:
    """Show what is news of one of them, unless another has by now.

    Nothing is resolved here, and no incident moves to another region: who looks after it keeps it.
    """
    incident = queries.lock_incident(session, sight.incident_id)
    if incident.state in _UNTOLD:
        return
    last = queries.find_last_known(session, incident.device_id)
    if sight.moves and last is not None and incident.position_at == sight.known_at:
        _follow(session, incident, last, at=at)
    if sight.is_lost != sight.was_lost and incident.signal_lost == sight.was_lost:
        _note(session, incident, last, sight, at=at)


def _tell(
    session: Session,
    incident: Incident,
    device: Device,
    every: timedelta,
    span: timedelta,
    *,
    again: timedelta,
    at: datetime,
) -> None:
    every_s, span_s = (round(each.total_seconds()) for each in (every, span))
    commands.ask(
        session,
        device.id,
        do=CommandKind.REPORT,
        by=None,
        at=at,
        every_s=every_s,
        span_s=span_s,
        valid=span,  # for a device that is away, until the next is said
    )
    timers.set_timer(session, device.uuid, TIMER, due_at=at + again, at=at, **_order(incident, every))


def _order(incident: Incident, every: timedelta) -> dict[str, Any]:
    return {"incident": str(incident.id), "every_s": round(every.total_seconds())}


def _calls_again(session: Session, incident: Incident) -> bool:
    again = exists().where(Incident.device_id == incident.device_id, Incident.state != IncidentState.RESOLVED)
    return bool(session.scalar(select(again)))


def _is_told(session: Session, incident: Incident) -> bool:
    """Whether the last that the house asked of the device in this incident was to report so often."""
    last = session.scalar(
        select(DeviceCommand)
        .where(
            DeviceCommand.device_id == incident.device_id,
            DeviceCommand.asked_at >= incident.opened_at,
            DeviceCommand.asked_by_id.is_(None),
            DeviceCommand.do == CommandKind.REPORT,
        )
        .order_by(DeviceCommand.asked_at.desc(), DeviceCommand.id.desc())
        .limit(1)
    )
    return last is not None and last.every_s is not None


def _see(row: Row[Any], at: datetime) -> Sight:
    heard = Heard(
        pressed_at=row.pressed_at,
        seen_at=row.last_seen_at,
        told_at=row.told_at,
        every=signs.SLOW if row.every_s is None else timedelta(seconds=row.every_s),
        presence=None if row.presence is None else Presence(row.presence),
        presence_at=row.presence_at,
    )
    return Sight(
        incident_id=row.id,
        known_at=row.position_at,
        moves=row.fix_at is not None
        and signs.is_worth_showing(
            known_at=row.position_at, fix_at=row.fix_at, moved_m=row.moved_m, accuracy_m=row.accuracy_m
        ),
        heard=heard,
        was_lost=row.signal_lost,
        is_lost=signs.is_lost(heard, was_lost=row.signal_lost, at=at),
    )


def _follow(session: Session, incident: Incident, last: DeviceLast, *, at: datetime) -> None:
    """A place is no line of the timeline: it changes each few seconds, and the track keeps them all."""
    if last.lat is None or last.lon is None:
        return
    places.move_to(session, incident, last.lat, last.lon, at=at)
    incident.alt_m, incident.accuracy_m = last.alt_m, last.accuracy_m
    incident.position_at, incident.position_source = last.position_at, PositionSource.TRACK
    incident.battery_pct = _battery_pct(incident, last)
    timeline.show_again(session, incident, at=at)


def _note(
    session: Session, incident: Incident, last: DeviceLast | None, sight: Sight, *, at: datetime
) -> None:
    incident.signal_lost = sight.is_lost
    if not sight.is_lost:
        timeline.record(session, incident, "signal_found", at=at)
        return
    incident.battery_pct = _battery_pct(incident, last)
    fix = _newest_fix(incident, last)
    fix_at = fix.position_at
    timeline.record(
        session,
        incident,
        "signal_lost",
        at=at,
        why="offline" if sight.heard.is_gone else "silent",
        heard_at=sight.heard.at.isoformat(),
        lat=fix.lat,
        lon=fix.lon,
        accuracy_m=fix.accuracy_m,
        fix_at=None if fix_at is None else fix_at.isoformat(),
        fix_age_s=None if fix_at is None else round((at - fix_at).total_seconds()),
        battery_pct=incident.battery_pct,
    )


def _newest_fix(incident: Incident, last: DeviceLast | None) -> Incident | DeviceLast:
    if last is None or last.position_at is None:
        return incident
    is_newer = incident.position_at is None or last.position_at > incident.position_at
    return last if is_newer else incident


def _battery_pct(incident: Incident, last: DeviceLast | None) -> int | None:
    if last is None or last.battery_at is None or last.battery_at <= incident.opened_at:
        return incident.battery_pct
    return last.battery_pct
