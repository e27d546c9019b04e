"""MQTT: a call for help, offered to every phone of the helper who is asked."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from broker import codec, topics
from broker.client import Connection
from broker.frames import OfferFrame
from db import notifications, work
from db.models import Device, HelperCall, Notification
from db.session import Database
from db.states import DeviceKind
from notifier.channels.topic import PUBACK_S


class Offers:
    """Publishes the offer of a call; whoever has an app that sleeps finds it waiting in their session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def deliver(self, database: Database, requests: Sequence[Notification]) -> None:
        """Offer it once to each phone, as long as an answer is waited for."""
        with database.transaction() as session:
            uids, payload, left_s = render(session, requests[0], at=datetime.now(UTC))
            where = [topics.device(uid, topics.Channel.OFFER) for uid in uids]
            sent = [self._connection.publish(topic, payload, expires_in_s=left_s) for topic in where]
            for each in sent:
                each.wait(PUBACK_S)
            at = datetime.now(UTC)
            answer = f"PUBACK of {len(sent)}" if sent else "no phone, or no answer is waited for"
            for request in requests:
                notifications.record_attempt(session, request, ok=bool(sent), answer=answer, at=at)
                work.finish(session, request, at=at)


def render(session: Session, request: Notification, *, at: datetime) -> tuple[Sequence[str], bytes, int]:
    """The phones to offer it to, what is offered, and how many seconds it is of use."""
    call = session.scalars(
        select(HelperCall).where(HelperCall.uuid == request.subject).options(joinedload(HelperCall.incident))
    ).one()
    left_s = math.ceil((call.until_at - at).total_seconds())
    if call.ended_at is not None or call.answered_at is not None or left_s <= 0:
        return [], b"", 0
    phones = select(Device.uid).where(
        Device.owner_id == call.helper_id, Device.kind == DeviceKind.PHONE, Device.retired_at.is_(None)
    )
    frame = OfferFrame(
        id=call.frame_id,
        kind="sos",
        until=math.ceil(call.until_at.timestamp()),
        lat=call.incident.lat,
        lon=call.incident.lon,
        dist=None if call.distance_m is None else round(call.distance_m),
        text="EXERCISE" if call.incident.exercise else None,
    )
    return session.scalars(phones.order_by(Device.id)).all(), codec.encode(frame), left_s
