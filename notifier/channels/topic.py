"""MQTT: the dispatchers' alert topics and the devices' retained state."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, text, true
from sqlalchemy.orm import Session, contains_eager, joinedload

from broker import codec, topics
from broker.client import Connection, Receipt
from broker.frames import AlertFrame, CmdFrame, ConfigFrame, OrderAlertFrame, StateFrame, SystemAlertFrame
from db import notifications, timers, work
from db.models import (
    Device,
    DeviceCommand,
    DeviceConfig,
    HelperCall,
    Incident,
    IncidentEvent,
    IncidentReport,
    Notification,
    Order,
    OrderOffer,
    SystemAlert,
)
from db.session import Database
from db.states import CallState, IncidentState, OrderState
from notifier.channels import Channel, Undeliverable

PUBACK_S = 3.0


@dataclass(frozen=True, slots=True)
class Retained:
    """What a topic is to hold from now on; nothing clears it."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Passing:
    """What is said to whoever listens now, or has a session that waits, as long as it is good."""

    topic: str
    payload: bytes
    until: datetime


Said = Retained | Passing


def alert(session: Session, incident_id: uuid.UUID) -> Retained:
    """The incident as it stands, until it is resolved."""
    incident = _get(session, incident_id)
    topic = topics.alert(incident.region, topics.AlertKind.SOS, incident.id)
    if incident.state == IncidentState.RESOLVED:
        return Retained(topic, b"")
    wearer, desk = incident.wearer, incident.acknowledged_by
    coming = _find_nearest(session, incident.id)
    step = timers.find_next(session, [incident.id], timers.INCIDENT_STEPS).get(incident.id)
    return Retained(
        topic,
        codec.encode(
            AlertFrame(
                incident=incident.id,
                revision=incident.revision,
                state=incident.state,
                type=incident.type,
                sev=incident.severity,
                region=incident.region,
                exercise=incident.exercise,
                canary=incident.canary,
                duress=incident.duress,
                signal_lost=incident.signal_lost,
                merged_into=incident.merged_into_id,
                uid=incident.device.uid,
                name=wearer.full_name if wearer else None,
                phone=wearer.phone if wearer else None,
                lat=incident.lat,
                lon=incident.lon,
                acc=incident.accuracy_m,
                alt=incident.alt_m,
                position_at=incident.position_at,
                position_source=incident.position_source,
                bat=incident.battery_pct,
                device_at=incident.device_at,
                opened_at=incident.opened_at,
                level=incident.level,
                acknowledged_by=desk.full_name if desk else None,
                acknowledged_at=incident.acknowledged_at,
                cancel_asked_at=incident.cancel_asked_at,
                who=coming.helper.full_name if coming else None,
                eta=coming.eta_s if coming else None,
                next=step.kind if step else None,
                next_whom=step.payload.get("whom") if step else None,
                next_at=step.due_at if step else None,
                **_last_word(session, incident.id),
                reports=incident.reports,
            )
        ),
    )


def state(session: Session, device_id: uuid.UUID) -> Retained:
    """What a device may show of its latest call for help, under the id of its own last press.

    Of a merged incident that is how the one stands which speaks for it; after a duress pin, an end. A call
    from before it came to its owner, and long over, is not theirs to see.
    """
    device = session.scalar(select(Device).where(Device.uuid == device_id))
    if device is None:
        raise Undeliverable("there is no such device")
    since = device.owned_since
    # One that was shown as ended counts as ended here, or its topic would tell that it is not.
    seems_open = and_(Incident.state != IncidentState.RESOLVED, Incident.shown.is_(None))
    theirs = true() if since is None else or_(Incident.opened_at >= since, seems_open)
    latest = session.execute(
        select(Incident.id, IncidentReport.frame_id)
        .join(IncidentReport, IncidentReport.incident_id == Incident.id)
        .where(Incident.device_id == device.id, theirs)
        .order_by(Incident.opened_at.desc(), IncidentReport.id.desc())
        .limit(1)
    ).first()
    return Retained(
        topics.device(device.uid, topics.Channel.STATE),
        codec.encode(_state_frame(session, _get(session, latest.id), latest.frame_id)) if latest else b"",
    )


def _state_frame(session: Session, incident: Incident, press: str) -> StateFrame:
    if incident.shown is not None:
        return StateFrame(id=press, s=incident.shown["state"])
    speaks = incident
    if incident.merged_into is not None and incident.state != IncidentState.RESOLVED:
        speaks = incident.merged_into
    coming = _find_nearest(session, speaks.id) if speaks.state in _SOMEBODY_GOES else None
    if coming is None:
        return StateFrame(id=press, s=speaks.state.value)
    is_there = coming.state == CallState.ON_SCENE
    return StateFrame(
        id=press,
        s=speaks.state.value,
        who=coming.helper.first_name,
        eta=None if is_there else coming.eta_s,
    )


def command(session: Session, command_id: uuid.UUID) -> Passing:
    """What a device is asked to do, once."""
    asked = session.scalars(
        select(DeviceCommand)
        .where(DeviceCommand.uuid == command_id)
        .options(joinedload(DeviceCommand.device))
    ).one()
    frame = CmdFrame(
        id=asked.frame_id,
        do=asked.do.value,
        until=int(asked.expires_at.timestamp()),
        every=asked.every_s,
        span=asked.span_s,
        text=asked.text,
    )
    topic = topics.device(asked.device.uid, topics.Channel.CMD)
    return Passing(topic, codec.encode(frame), asked.expires_at)


def config(session: Session, device_id: uuid.UUID) -> Retained:
    """How a device is to report, until it is told otherwise."""
    profile = session.scalars(
        select(DeviceConfig)
        .join(DeviceConfig.device)
        .where(Device.uuid == device_id)
        .options(contains_eager(DeviceConfig.device))
    ).one()
    frame = ConfigFrame(
        version=profile.version,
        rest=profile.rest_s,
        move=profile.move_s,
        alarm=profile.alarm_s,
        batch=profile.batch,
    )
    return Retained(topics.device(profile.device.uid, topics.Channel.CONFIG), codec.encode(frame))


def system(session: Session, alert_id: uuid.UUID) -> Retained:
    """What is ill in the chain, until it is well; of one that is over, what stands in its place by now."""
    asked = session.scalars(select(SystemAlert).where(SystemAlert.uuid == alert_id)).one()
    topic = topics.alert(asked.region, topics.AlertKind.SYSTEM, asked.what)
    now = session.scalar(
        select(SystemAlert).where(
            SystemAlert.region == asked.region,
            SystemAlert.what == asked.what,
            SystemAlert.ended_at.is_(None),
        )
    )
    if now is None:
        return Retained(topic, b"")
    frame = SystemAlertFrame(what=now.what, region=now.region, since=now.since, text=now.message)
    return Retained(topic, codec.encode(frame))


def order_alert(session: Session, order_uuid: uuid.UUID) -> Retained:
    """An order that nobody takes, until somebody has it or it is over."""
    order = session.scalars(select(Order).where(Order.uuid == order_uuid)).one()
    topic = topics.alert(order.region, topics.AlertKind.ORDER, order.uuid)
    if order.state not in _NOBODY_COMES or order.unassigned_at is None:
        return Retained(topic, b"")
    asked = select(func.count(OrderOffer.driver_id.distinct())).where(OrderOffer.order_id == order.id)
    frame = OrderAlertFrame(
        order=order.uuid,
        number=order.id,
        revision=order.revision,
        state=order.state,
        region=order.region,
        service=order.service,
        since=order.unassigned_at,
        scheduled_at=order.scheduled_at,
        lat=order.lat,
        lon=order.lon,
        address=order.address or None,
        needs=list(order.needs) or None,
        asked=session.scalar(asked) or 0,
        text=_SAY_STATE[order.state],
    )
    return Retained(topic, codec.encode(frame))


_NOBODY_COMES = (OrderState.REQUESTED, OrderState.OFFERED, OrderState.UNASSIGNED)
_SAY_STATE = dict.fromkeys(_NOBODY_COMES, "nobody takes it; drivers are still looked for") | {
    OrderState.OFFERED: "a driver has been asked since, and has not answered yet"
}

Render = Callable[[Session, uuid.UUID], Said]

RENDER: dict[str, Render] = {
    "alert": alert,
    "state": state,
    "cmd": command,
    "config": config,
    "system": system,
    work.of_orders("alert"): order_alert,
}


def channels(connection: Connection) -> dict[str, Channel]:
    """The channels that are topics, by their names."""
    return {kind: Topic(connection, render) for kind, render in RENDER.items()}


_HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended(:topic, 0))")


class Topic:
    """A topic for each subject; whatever comes last to it is the newest state.

    The lock is held from reading the state until the broker has it, so an older reading can never
    be published after a newer one, not even by another notifier.
    """

    takes_several = True

    def __init__(self, connection: Connection, render: Render) -> None:
        self._connection = connection
        self._render = render

    def deliver(self, database: Database, requests: Sequence[Notification]) -> None:
        """Publish each subject as it stands, once for all its requests; the broker is waited for once."""
        kind, subjects = requests[0].kind, sorted({request.subject for request in requests})
        with database.transaction() as session:
            # In one order everywhere, so that two notifiers never wait for each other in a circle.
            for subject in subjects:
                session.execute(_HOLD, {"topic": f"{kind}:{subject}"})
            sent = [self._publish(self._render(session, subject)) for subject in subjects]
            for each in sent:
                each.wait(PUBACK_S)
            notifications.close(session, requests, answer="PUBACK", at=datetime.now(UTC))

    def _publish(self, said: Said) -> Receipt:
        match said:
            case Retained(topic, payload):
                return self._connection.publish(topic, payload, retain=True)
            case Passing(topic, payload, until):
                # Whole seconds, cut: the broker keeps it to the end of the second in which it expires.
                left_s = int((until - datetime.now(UTC)).total_seconds())
                if left_s < 1:
                    raise Undeliverable("it came too late to be of use")
                return self._connection.publish(topic, payload, expires_in_s=left_s)


_SOMEBODY_GOES = (IncidentState.RESPONDING, IncidentState.ON_SCENE)
_COMING = (CallState.ACCEPTED, CallState.EN_ROUTE, CallState.ON_SCENE)


def _find_nearest(session: Session, incident_id: uuid.UUID) -> HelperCall | None:
    """The call of the helper who is there, or will be first."""
    coming = (
        select(HelperCall)
        .where(
            HelperCall.incident_id == incident_id,
            HelperCall.state.in_(_COMING),
            HelperCall.ended_at.is_(None),
        )
        .options(joinedload(HelperCall.helper))
        .order_by(
            HelperCall.on_scene_at.asc().nulls_last(),
            HelperCall.eta_s.asc().nulls_last(),
            HelperCall.id,
        )
        .limit(1)
    )
    return session.scalar(coming)


def _last_word(session: Session, incident_id: uuid.UUID) -> dict[str, Any]:
    """What a guardian said last, after having spoken to the wearer."""
    spoke = session.scalar(
        select(IncidentEvent)
        .where(IncidentEvent.incident_id == incident_id, IncidentEvent.kind == "guardian_spoke")
        .order_by(IncidentEvent.at.desc(), IncidentEvent.id.desc())
        .limit(1)
    )
    if spoke is None:
        return {}
    said = spoke.detail
    return {"guardian": said["name"], "guardian_said": said["words"], "guardian_at": spoke.at}


def _get(session: Session, incident_id: uuid.UUID) -> Incident:
    return session.scalars(
        select(Incident)
        .where(Incident.id == incident_id)
        .options(
            joinedload(Incident.device),
            joinedload(Incident.wearer),
            joinedload(Incident.acknowledged_by),
            joinedload(Incident.merged_into),
        )
    ).one()
