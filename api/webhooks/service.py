"""Keeping webhooks; each change is in the audit log."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import Session

from api.refusals import WrongField
from broker import outside
from broker.outside import Inside, Network, Unknown
from db import audit, notifications, webhooks, work
from db.audit import Actor
from db.models import Delivery, Notification, Region, Webhook
from db.seal import Seal
from dispatch.errors import Conflict, NotFound


def check_url(url: str, *, allowed: Collection[Network]) -> None:
    """Refuse an address that leads to us or nowhere; it asks the network, so call it before the database."""
    try:
        outside.look_up(url, allowed=allowed)
    except (Inside, Unknown) as error:
        raise WrongField("url", str(error)) from None


def create(
    session: Session,
    *,
    url: str,
    events: Sequence[str],
    region: str | None,
    seal: Seal,
    actor: Actor,
    at: datetime,
) -> tuple[Webhook, str]:
    """A new webhook, and the secret by which it knows us."""
    _check_region(session, region)
    secret = webhooks.new_secret()
    webhook = Webhook(
        url=url,
        events=sorted(set(events)),
        region=region,
        sealed_secret=webhooks.close(seal, secret),
        created_by_id=actor.id,
        created_at=at,
    )
    session.add(webhook)
    session.flush()
    _keep(session, actor, "created", webhook, at=at, url=url, events=webhook.events, region=region)
    return webhook, secret


def change(
    session: Session, webhook_id: UUID, *, changes: dict[str, Any], actor: Actor, at: datetime
) -> Webhook:
    """Change what is named."""
    webhook = _lock(session, webhook_id)
    if "region" in changes:
        _check_region(session, changes["region"])
    for name, value in changes.items():
        setattr(webhook, name, sorted(set(value)) if name == "events" else value)
    if changes.get("active"):
        webhook.failing_since = webhook.disabled_why = None
    _keep(session, actor, "changed", webhook, at=at, **changes)
    return webhook


def rotate(
    session: Session, webhook_id: UUID, *, seal: Seal, actor: Actor, at: datetime
) -> tuple[Webhook, str]:
    """A new secret; for a day the one before it signs as well."""
    webhook, secret = _lock(session, webhook_id), webhooks.new_secret()
    webhook.sealed_secret = webhooks.rotate(seal, webhook.sealed_secret, secret, at=at)
    _keep(session, actor, "rotated", webhook, at=at)
    return webhook, secret


def remove(session: Session, webhook_id: UUID, *, actor: Actor, at: datetime) -> None:
    """Forget it; what is on its way is given up."""
    webhook = _lock(session, webhook_id)
    _keep(session, actor, "removed", webhook, at=at, url=webhook.url)
    session.delete(webhook)


def get(session: Session, webhook_id: UUID) -> Webhook:
    """One webhook."""
    webhook = session.scalar(select(Webhook).where(Webhook.uuid == webhook_id))
    if webhook is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return webhook


def list_all(session: Session) -> Sequence[Webhook]:
    """All of them, the oldest first."""
    return session.scalars(select(Webhook).order_by(Webhook.id)).all()


def list_deliveries(
    session: Session, webhook: Webhook, *, before: tuple[datetime, int] | None, limit: int
) -> list[tuple[Notification, list[Delivery]]]:
    """What was and will be posted there, newest first, with each attempt."""
    wanted = _deliveries(webhook)
    if before is not None:
        wanted = wanted.where(tuple_(Notification.created_at, Notification.id) < before)
    newest_first = wanted.order_by(Notification.created_at.desc(), Notification.id.desc()).limit(limit)
    found = session.scalars(newest_first).all()
    attempts: defaultdict[int, list[Delivery]] = defaultdict(list)
    of_these = select(Delivery).where(Delivery.notification_id.in_([each.id for each in found]))
    for each in session.scalars(of_these.order_by(Delivery.at, Delivery.id)):
        attempts[each.notification_id].append(each)
    return [(each, attempts[each.id]) for each in found]


def replay(
    session: Session, webhook_id: UUID, delivery_id: int, *, actor: Actor, at: datetime
) -> Notification:
    """Post it once more, word for word and under the same id: whoever had it before can tell."""
    webhook = get(session, webhook_id)
    if not webhook.active:
        raise Conflict("this webhook is switched off; switch it on before")
    before = session.scalar(_deliveries(webhook).where(Notification.id == delivery_id))
    if before is None:
        raise NotFound(f"this webhook has no delivery {delivery_id}")
    notifications.request(session, before.kind, webhook.uuid, at=at, **before.payload)
    session.flush()
    _keep(session, actor, "replayed", webhook, at=at, message=before.payload["id"])
    return session.scalars(_deliveries(webhook).order_by(Notification.id.desc()).limit(1)).one()


def _deliveries(webhook: Webhook) -> Select[Notification]:
    return select(Notification).where(
        Notification.subject == webhook.uuid,
        Notification.kind.in_((webhooks.CHANNEL, work.of_orders(webhooks.CHANNEL))),
    )


def _lock(session: Session, webhook_id: UUID) -> Webhook:
    webhook = session.scalar(select(Webhook).where(Webhook.uuid == webhook_id).with_for_update())
    if webhook is None:
        raise NotFound(f"there is no webhook {webhook_id}")
    return webhook


def _check_region(session: Session, region: str | None) -> None:
    if region is not None and session.scalar(select(Region.slug).where(Region.slug == region)) is None:
        raise WrongField("region", f"there is no region {region}")


def _keep(
    session: Session, actor: Actor, what: str, webhook: Webhook, *, at: datetime, **detail: Any
) -> None:
    audit.record(session, actor, f"webhook.{what}", subject=("webhook", webhook.uuid), at=at, **detail)
