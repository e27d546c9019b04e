"""Everything that is known of one incident, from the tables where it lies."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, joinedload

from api.accounts.service import Person
from api.proof.drawing import thin
from api.proof.schemas import (
    AttemptLine,
    CallLine,
    Export,
    FixLine,
    IncidentLine,
    MessageLine,
    PersonLine,
    ReadLine,
    ReportLine,
    TimelineLine,
    TrackLine,
    VitalsLine,
)
from db import telemetry
from db.models import (
    AuditEntry,
    Contact,
    Delivery,
    Device,
    HelperCall,
    Incident,
    IncidentEvent,
    IncidentReport,
    Message,
    Notification,
    User,
)
from dispatch.sos import queries

BEFORE = timedelta(minutes=5)
"""How far before the call its story begins."""

MOST_FIXES = 1_000
MOST_MEASUREMENTS = 500
_MOST_READ = 100_000
_MOST_ALERTS = 200

SUBJECT = "incident"


def gather(
    session: Session, incident_id: uuid.UUID, *, seen_by: ColumnElement[bool], reader: Person, at: datetime
) -> Export:
    """The whole story of an incident and of those that were merged into it."""
    first = queries.get_incident(session, incident_id, seen_by=seen_by)
    family = [first, *_merged(session, first)]
    ids = [incident.id for incident in family]
    reports = _reports(session, ids)
    devices = {report.device_id for report, _ in reports}
    since = min(incident.opened_at for incident in family) - BEFORE
    until = first.resolved_at or at
    return Export(
        made_at=at,
        made_by=_person(session.get_one(User, reader.id)),
        incidents=[_incident(incident) for incident in family],
        reports=[_report(*row) for row in reports],
        timeline=_timeline(session, ids),
        calls=_calls(session, ids),
        messages=_messages(session, ids),
        alerts=_alerts(session, ids),
        tracks=[_track(session, device, since=since, until=until) for device in _devices(session, devices)],
        audit=_audit(session, ids),
    )


def _merged(session: Session, into: Incident) -> Sequence[Incident]:
    return session.scalars(
        select(Incident)
        .where(Incident.merged_into_id == into.id)
        .options(
            joinedload(Incident.device), joinedload(Incident.wearer), joinedload(Incident.acknowledged_by)
        )
        .order_by(Incident.opened_at, Incident.id)
    ).all()


def _incident(incident: Incident) -> IncidentLine:
    shared = set(IncidentLine.model_fields) - {"merged_into", "device_uid", "wearer", "acknowledged_by"}
    return IncidentLine(
        **{name: getattr(incident, name) for name in shared},
        merged_into=incident.merged_into_id,
        device_uid=incident.device.uid,
        wearer=_person(incident.wearer) if incident.wearer else None,
        acknowledged_by=_person(incident.acknowledged_by) if incident.acknowledged_by else None,
    )


def _reports(session: Session, ids: Iterable[uuid.UUID]) -> list[tuple[IncidentReport, str]]:
    rows = session.execute(
        select(IncidentReport, Device.uid)
        .join(Device, Device.id == IncidentReport.device_id)
        .where(IncidentReport.incident_id.in_(ids))
        .order_by(IncidentReport.received_at, IncidentReport.id)
    )
    return [(row[0], row[1]) for row in rows]


def _report(report: IncidentReport, device_uid: str) -> ReportLine:
    shared = set(ReportLine.model_fields) - {"incident", "device_uid"}
    said = {name: getattr(report, name) for name in shared}
    return ReportLine(incident=report.incident_id, device_uid=device_uid, **said)


def _timeline(session: Session, ids: Iterable[uuid.UUID]) -> list[TimelineLine]:
    events = session.scalars(
        select(IncidentEvent)
        .where(IncidentEvent.incident_id.in_(ids))
        .options(joinedload(IncidentEvent.by))
        .order_by(IncidentEvent.at, IncidentEvent.id)
    )
    return [
        TimelineLine(
            incident=event.incident_id,
            at=event.at,
            kind=event.kind,
            by=_person(event.by) if event.by else None,
            detail=event.detail,
        )
        for event in events
    ]


def _calls(session: Session, ids: Iterable[uuid.UUID]) -> list[CallLine]:
    calls = session.scalars(
        select(HelperCall)
        .where(HelperCall.incident_id.in_(ids))
        .options(joinedload(HelperCall.helper))
        .order_by(HelperCall.asked_at, HelperCall.id)
    )
    shared = set(CallLine.model_fields) - {"id", "helper"}
    return [
        CallLine(id=call.uuid, helper=_person(call.helper), **{name: getattr(call, name) for name in shared})
        for call in calls
    ]


def _messages(session: Session, ids: Iterable[uuid.UUID]) -> list[MessageLine]:
    rows = session.execute(
        select(Message, User.full_name, Contact.name)
        .outerjoin(User, User.id == Message.user_id)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(Message.incident_id.in_(ids))
        .order_by(Message.created_at, Message.id)
    ).all()
    attempts = _attempts(session, [row[0].uuid for row in rows])
    shared = set(MessageLine.model_fields) - {"id", "to", "attempts"}
    return [
        MessageLine(
            id=message.uuid,
            to=user or contact or "",
            attempts=attempts[message.uuid],
            **{name: getattr(message, name) for name in shared},
        )
        for message, user, contact in rows
    ]


def _alerts(session: Session, ids: Iterable[uuid.UUID]) -> list[AttemptLine]:
    """When dispatchers were shown the incident anew; evenly chosen where that was very often."""
    told = _attempts(session, ids, kinds=("alert",))
    return thin(sorted((line for lines in told.values() for line in lines), key=_when), most=_MOST_ALERTS)


def _attempts(
    session: Session, subjects: Iterable[uuid.UUID], *, kinds: Sequence[str] = ()
) -> defaultdict[uuid.UUID, list[AttemptLine]]:
    wanted = (
        select(Notification.subject, Notification.kind, Delivery)
        .join(Delivery, Delivery.notification_id == Notification.id)
        .where(Notification.subject.in_(list(subjects)))
        .order_by(Delivery.at, Delivery.id)
    )
    if kinds:
        wanted = wanted.where(Notification.kind.in_(kinds))
    found: defaultdict[uuid.UUID, list[AttemptLine]] = defaultdict(list)
    for subject, kind, delivery in session.execute(wanted):
        line = AttemptLine(channel=kind, at=delivery.at, ok=delivery.ok, answer=delivery.answer)
        found[subject].append(line)
    return found


def _devices(session: Session, ids: Iterable[int]) -> Sequence[Device]:
    return session.scalars(select(Device).where(Device.id.in_(list(ids))).order_by(Device.id)).all()


def _track(session: Session, device: Device, *, since: datetime, until: datetime) -> TrackLine:
    fixes = telemetry.track(session, device.id, since=since, until=until, most=_MOST_READ)
    vitals = telemetry.vitals(session, device.id, since=since, until=until, most=_MOST_READ)
    return TrackLine(
        device_uid=device.uid,
        since=since,
        until=until,
        fixes=len(fixes),
        positions=[FixLine.model_validate(fix) for fix in thin(fixes, most=MOST_FIXES)],
        measurements=len(vitals),
        vitals=[VitalsLine.model_validate(each) for each in thin(vitals, most=MOST_MEASUREMENTS)],
    )


def _audit(session: Session, ids: Iterable[uuid.UUID]) -> list[ReadLine]:
    entries = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.subject_kind == SUBJECT, AuditEntry.subject_id.in_([str(each) for each in ids]))
        .options(joinedload(AuditEntry.actor))
        .order_by(AuditEntry.at, AuditEntry.id)
    )
    return [
        ReadLine(at=entry.at, by=entry.actor.full_name if entry.actor else None, action=entry.action)
        for entry in entries
    ]


def _person(user: User) -> PersonLine:
    return PersonLine.model_validate(user)


def _when(line: AttemptLine) -> datetime:
    return line.at
