"""Telling other systems of facts: one request for each that asked for such."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from db import notifications, webhooks, work
from db.models import Device, Fact, Geofence, Incident, Order, User, Vehicle, Webhook


def spread(session: Session, facts: Sequence[Fact], *, at: datetime) -> None:
    """Have facts told to every webhook that wants them; what the chain tries on itself is nobody's news.

    The words are written down now: sent late or again, they say what was true when it happened.
    """
    active = session.scalars(select(Webhook).where(Webhook.active).order_by(Webhook.id)).all()
    for fact in facts:
        if interested := [webhook for webhook in active if _wants(webhook, fact)]:
            _tell(session, fact, interested, at)


def _wants(webhook: Webhook, fact: Fact) -> bool:
    family = fact.kind.partition(".")[0]
    return not webhook.events or not {fact.kind, f"{family}.*"}.isdisjoint(webhook.events)


def _tell(session: Session, fact: Fact, interested: Sequence[Webhook], at: datetime) -> None:
    region, data = _data(session, fact)
    if data is None:
        return
    channel = work.of_orders(webhooks.CHANNEL) if fact.kind.startswith(work.ORDERS) else webhooks.CHANNEL
    for webhook in interested:
        if webhook.region is None or webhook.region == region:
            notifications.request(
                session,
                channel,
                webhook.uuid,
                at=at,
                id=f"msg_{uuid.uuid5(fact_space(fact), str(webhook.uuid))}",
                type=fact.kind,
                timestamp=fact.created_at.isoformat(),
                data=data,
            )


def fact_space(fact: Fact) -> uuid.UUID:
    """A fact that is reacted to twice is told under the same id."""
    return uuid.uuid5(fact.subject, f"fact {fact.id}")


def _data(session: Session, fact: Fact) -> tuple[str | None, Mapping[str, Any] | None]:
    """The region of a fact and what is told of it; nothing where there is nothing to tell."""
    match fact.kind.partition(".")[0]:
        case "sos":
            return _incident(session, fact)
        case "geofence":
            return None, _crossing(session, fact)
        case "order":
            return _order(session, fact)
    return None, {"subject": str(fact.subject)} | fact.payload


def _incident(session: Session, fact: Fact) -> tuple[str | None, Mapping[str, Any] | None]:
    incident = session.scalar(
        select(Incident)
        .where(Incident.id == fact.subject)
        .options(
            joinedload(Incident.device), joinedload(Incident.wearer), joinedload(Incident.acknowledged_by)
        )
    )
    if incident is None or incident.canary:
        return None, None
    wearer, desk, device = incident.wearer, incident.acknowledged_by, incident.device
    place = None
    if incident.lat is not None and incident.lon is not None:
        place = {
            "lat": incident.lat,
            "lon": incident.lon,
            "alt_m": incident.alt_m,
            "accuracy_m": incident.accuracy_m,
            "at": _time(incident.position_at),
            "source": incident.position_source,
        }
    return incident.region, {
        "id": str(incident.id),
        "state": incident.state,
        "outcome": incident.outcome,
        "revision": incident.revision,
        "region": incident.region,
        "type": incident.type,
        "severity": incident.severity,
        "opened_at": _time(incident.opened_at),
        "device": {"uid": device.uid, "kind": device.kind, "model": device.model},
        "wearer": _person(wearer) | {"phone": wearer.phone} if wearer else None,
        "place": place,
        "battery_pct": incident.battery_pct,
        "level": incident.level,
        "reports": incident.reports,
        "acknowledged_by": _person(desk) if desk else None,
        "acknowledged_at": _time(incident.acknowledged_at),
        "resolved_at": _time(incident.resolved_at),
        "signal_lost": incident.signal_lost,
        "exercise": incident.exercise,
        "duress": incident.duress,
    }


def _order(session: Session, fact: Fact) -> tuple[str | None, Mapping[str, Any] | None]:
    order = session.scalar(
        select(Order)
        .where(Order.uuid == fact.subject)
        .options(joinedload(Order.customer), joinedload(Order.coming))
    )
    if order is None:
        return None, None
    driver = session.get(User, order.driver_id) if order.driver_id else None
    dropoff = None
    if order.dropoff_lat is not None and order.dropoff_lon is not None:
        dropoff = {"lat": order.dropoff_lat, "lon": order.dropoff_lon, "address": order.dropoff_address}
    return order.region, {
        "id": str(order.uuid),
        "number": order.id,
        "state": order.state,
        "revision": order.revision,
        "region": order.region,
        "service": order.service,
        "vehicle_type": order.vehicle_type,
        "needs": order.needs,
        "seats": order.seats,
        "pickup": {"lat": order.lat, "lon": order.lon, "address": order.address},
        "dropoff": dropoff,
        "customer": _person(order.customer),
        "driver": _person(driver) if driver else None,
        "vehicle": _vehicle(order.coming) if order.coming else None,
        "price": order.price,
        "currency": order.currency,
        "requested_at": _time(order.requested_at),
        "scheduled_at": _time(order.scheduled_at),
        "accepted_at": _time(order.accepted_at),
        "arrived_at": _time(order.arrived_at),
        "ended_at": _time(order.ended_at),
        "fault": order.fault,
        "why": order.why,
    }


def _vehicle(vehicle: Vehicle) -> dict[str, Any]:
    return {"type": vehicle.type, "name": vehicle.name, "registration": vehicle.registration}


def _crossing(session: Session, fact: Fact) -> Mapping[str, Any] | None:
    fence = session.scalar(select(Geofence).where(Geofence.uuid == fact.subject))
    if fence is None:
        return None
    uid = fact.payload["device"]
    device = session.scalar(select(Device).where(Device.uid == uid))
    return {
        "geofence": {"id": str(fence.uuid), "name": fence.name},
        "device": {"uid": uid, "kind": device.kind if device else None},
        "crossed_at": fact.payload["crossed_at"],
    }


def _person(user: Any) -> dict[str, Any]:
    return {"uuid": str(user.uuid), "full_name": user.full_name}


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
