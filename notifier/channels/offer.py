"""MQTT: a call for help or an order, offered to every phone of whoever is asked to come."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from broker import codec, topics
from broker.client import Connection, Receipt
from broker.frames import OfferFrame
from db import areas, notifications
from db.models import Device, HelperCall, Notification, Order, OrderOffer
from db.session import Database
from db.states import DeviceKind, OfferState
from notifier.channels.topic import PUBACK_S


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked, what, and for how many seconds it is of use."""

    person_id: int
    frame: OfferFrame
    left_s: int


Render = Callable[[Session, Notification, datetime], Asked | None]
"""What is offered now; None where no answer is waited for any more."""


class Offers:
    """Publishes an offer; whoever has an app that sleeps finds it waiting in their session."""

    takes_several = False

    def __init__(self, connection: Connection, render: Render) -> None:
        self._connection = connection
        self._render = render

    def deliver(self, database: Database, requests: Sequence[Notification]) -> None:
        """Offer it once to each phone, as long as an answer is waited for."""
        with database.transaction() as session:
            asked = self._render(session, requests[0], datetime.now(UTC))
            sent = [] if asked is None else self._publish(session, asked)
            for each in sent:
                each.wait(PUBACK_S)
            at = datetime.now(UTC)
            answer = f"PUBACK of {len(sent)}" if sent else "no phone, or no answer is waited for"
            notifications.close(session, requests, ok=bool(sent), answer=answer, at=at)

    def _publish(self, session: Session, asked: Asked) -> Sequence[Receipt]:
        payload = codec.encode(asked.frame)
        return [
            self._connection.publish(
                topics.device(uid, topics.Channel.OFFER), payload, expires_in_s=asked.left_s
            )
            for uid in _find_phones(session, asked.person_id)
        ]


def of_call(session: Session, request: Notification, at: datetime) -> Asked | None:
    """A call for help, offered to a helper."""
    call = session.scalars(
        select(HelperCall).where(HelperCall.uuid == request.subject).options(joinedload(HelperCall.incident))
    ).one()
    left_s = math.ceil((call.until_at - at).total_seconds())
    if call.ended_at is not None or call.answered_at is not None or left_s <= 0:
        return None
    frame = OfferFrame(
        id=call.frame_id,
        kind="sos",
        until=math.ceil(call.until_at.timestamp()),
        lat=call.incident.lat,
        lon=call.incident.lon,
        dist=None if call.distance_m is None else round(call.distance_m),
        text="EXERCISE" if call.incident.exercise else None,
    )
    return Asked(call.helper_id, frame, left_s)


def of_order(session: Session, request: Notification, at: datetime) -> Asked | None:
    """An order, offered to a driver: its deadline is to the second at which a yes would be too late."""
    offer = session.scalars(
        select(OrderOffer).where(OrderOffer.uuid == request.subject).options(joinedload(OrderOffer.order))
    ).one()
    left_s = math.floor((offer.until_at - at).total_seconds())
    if offer.state is not OfferState.OPEN or left_s < 1:
        return None
    order = offer.order
    lat, lon = areas.about(order.lat, order.lon)
    frame = OfferFrame(
        id=offer.frame_id,
        kind="order",
        svc=order.service.value,
        until=math.floor(offer.until_at.timestamp()),
        lat=lat,
        lon=lon,
        dist=None if offer.distance_m is None else round(offer.distance_m),
        fee=order.price,
        cur=order.currency,
        text=_say_needs(order),
    )
    return Asked(offer.driver_id, frame, left_s)


def _say_needs(order: Order) -> str | None:
    """What a driver must come with."""
    seats = [f"{order.seats} seats"] if order.seats > 1 else []
    return ", ".join([*([order.vehicle_type] if order.vehicle_type else []), *order.needs, *seats]) or None


def _find_phones(session: Session, person_id: int) -> Sequence[str]:
    phones = select(Device.uid).where(
        Device.owner_id == person_id, Device.kind == DeviceKind.PHONE, Device.retired_at.is_(None)
    )
    return session.scalars(phones.order_by(Device.id)).all()
