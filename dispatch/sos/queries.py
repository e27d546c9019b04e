"""Reading incidents; `lock_` holds the row, `get_` raises, `find_` may return None."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, text, tuple_
from sqlalchemy.orm import Session, aliased, joinedload

from db.models import Device, DeviceLast, Incident, IncidentEvent, IncidentReport
from db.states import IncidentState
from dispatch.errors import NotFound

# That it is open is spelled out: so the index of what is open serves.
_IS_FIRST = text("""
    SELECT NOT EXISTS (SELECT FROM incidents WHERE device_id = :device AND state <> 'resolved')
       AND NOT EXISTS (SELECT FROM incident_reports WHERE device_id = :device AND frame_id = :frame)
""")


def lock_device(session: Session, device_id: int) -> Device:
    """Hold the device, so that two presses of it are told one after the other."""
    device = session.scalar(select(Device).where(Device.id == device_id).with_for_update(key_share=True))
    if device is None:
        raise NotFound(f"there is no device {device_id}")
    return device


def lock_device_of(session: Session, uid: str) -> Device | None:
    """The same by the name that the device bears on topics."""
    return session.scalar(select(Device).where(Device.uid == uid).with_for_update(key_share=True))


def is_first(session: Session, device_id: int, frame_id: str) -> bool:
    """Whether a device that is held has no call open and none under this id, as most that press have not."""
    return bool(session.scalar(_IS_FIRST, {"device": device_id, "frame": frame_id}))


def find_report(session: Session, device_id: int, frame_id: str) -> tuple[IncidentReport, Incident] | None:
    """The newest report of a device under a frame id, with its incident."""
    row = session.execute(
        select(IncidentReport, Incident)
        .join(Incident, IncidentReport.incident_id == Incident.id)
        .where(IncidentReport.device_id == device_id, IncidentReport.frame_id == frame_id)
        .order_by(IncidentReport.id.desc())
        .limit(1)
    ).first()
    return None if row is None else (row[0], row[1])


def find_newest(session: Session, device_id: int) -> Incident | None:
    """The incident that the device reported last."""
    return session.scalar(
        select(Incident)
        .join(IncidentReport, IncidentReport.incident_id == Incident.id)
        .where(IncidentReport.device_id == device_id)
        .order_by(IncidentReport.id.desc())
        .limit(1)
    )


def lock_open_incident(session: Session, device_id: int) -> Incident | None:
    """The device's open incident, held."""
    return session.scalar(
        select(Incident)
        .where(Incident.device_id == device_id, Incident.state != IncidentState.RESOLVED)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def lock_incident(session: Session, incident_id: uuid.UUID) -> Incident:
    """An incident, held until the end of the transaction."""
    incident = session.scalar(
        select(Incident)
        .where(Incident.id == incident_id)
        .with_for_update(of=Incident)
        .execution_options(populate_existing=True)
    )
    if incident is None:
        raise NotFound(f"there is no incident {incident_id}")
    return incident


def find_last_known(session: Session, device_id: int) -> DeviceLast | None:
    """The last known place and state of a device."""
    return session.get(DeviceLast, device_id)


def get_incident(session: Session, incident_id: uuid.UUID, *, seen_by: ColumnElement[bool]) -> Incident:
    """An incident with its people, if the caller may see it."""
    incident = session.scalar(_with_people().where(Incident.id == incident_id, seen_by))
    if incident is None:
        raise NotFound(f"there is no incident {incident_id}")
    return incident


def list_incidents(
    session: Session,
    *,
    seen_by: ColumnElement[bool],
    viewer: int,
    states: Sequence[IncidentState] = (),
    region: str | None = None,
    canary: bool = False,
    before: tuple[datetime, uuid.UUID] | None = None,
    limit: int = 50,
) -> Sequence[Incident]:
    """Newest first; `before` is the (opened_at, id) of the last one seen.

    Calls by which the house tries itself are listed alone, or not at all. The viewer's own are found by
    the state that they are shown.
    """
    wanted = _with_people().where(seen_by, Incident.canary.is_(canary))
    if states:
        wanted = wanted.where(_is_shown_in(states, viewer))
    if region is not None:
        wanted = wanted.where(Incident.region == region)
    if before is not None:
        wanted = wanted.where(tuple_(Incident.opened_at, Incident.id) < before)
    newest_first = wanted.order_by(Incident.opened_at.desc(), Incident.id.desc()).limit(limit)
    return session.scalars(newest_first).all()


def list_merged(session: Session, incident_id: uuid.UUID) -> Sequence[Incident]:
    """The incidents that this one speaks for, or spoke for at its end, with their people."""
    merged = _with_people().where(Incident.merged_into_id == incident_id)
    return session.scalars(merged.order_by(Incident.opened_at, Incident.id)).all()


def timeline(session: Session, incident_id: uuid.UUID) -> Sequence[IncidentEvent]:
    """What happened, in the order in which it did."""
    return session.scalars(
        select(IncidentEvent)
        .where(IncidentEvent.incident_id == incident_id)
        .options(joinedload(IncidentEvent.by))
        .order_by(IncidentEvent.at, IncidentEvent.id)
    ).all()


def _is_shown_in(states: Sequence[IncidentState], viewer: int) -> ColumnElement[bool]:
    speaks = aliased(Incident)
    others = func.coalesce(Incident.wearer_id, 0) != viewer
    is_over = Incident.state == IncidentState.RESOLVED
    of_who_speaks = exists().where(speaks.id == Incident.merged_into_id, speaks.state.in_(states))
    truly = or_(others, is_over, Incident.merged_into_id.is_(None))
    was_told = or_(and_(truly, Incident.state.in_(states)), and_(~truly, of_who_speaks))
    seems_over = and_(~others, Incident.shown.is_not(None))
    return and_(~seems_over, was_told) if IncidentState.RESOLVED not in states else or_(seems_over, was_told)


def _with_people() -> Select[Incident]:
    return select(Incident).options(
        joinedload(Incident.device),
        joinedload(Incident.wearer),
        joinedload(Incident.acknowledged_by),
        joinedload(Incident.merged_into),
    )
