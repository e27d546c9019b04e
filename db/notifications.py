"""Requests to tell somebody something; a request is a row, and so is each attempt."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, update
from sqlalchemy.orm import Session

from db import bell, outbox, work
from db.models.work import Delivery, Notification, Timer
from db.states import WorkStatus

TOPICS = "topics"
MESSAGES = "messages"
ORDER_MESSAGES = "order_messages"
"""The bells: an alert does not wake those who wait for providers, nor they the topics."""

_TO_PROVIDERS = frozenset({"push", "sms", "mail", "nobody", "webhook"})

UNCONFIRMED = "message_unconfirmed"
"""The timer of a message while one channel brings it; when it is due, the next channel is asked."""


def request(session: Session, channel: str, subject: uuid.UUID, *, at: datetime, **payload: Any) -> None:
    """Have `subject` told on `channel`; the notifier wakes after the commit."""
    session.add(Notification(kind=channel, subject=subject, payload=payload, created_at=at, due_at=at))
    if work.plain(channel) not in _TO_PROVIDERS:
        bell.ring(session, TOPICS)
    else:
        bell.ring(session, ORDER_MESSAGES if channel.startswith(work.ORDERS) else MESSAGES)


def record_attempt(
    session: Session, notification: Notification, *, ok: bool, answer: str, at: datetime
) -> None:
    """Keep what the channel answered."""
    session.add(Delivery(notification_id=notification.id, at=at, ok=ok, answer=answer))


def close(
    session: Session, requests: Sequence[Notification], *, answer: str, at: datetime, ok: bool = True
) -> None:
    """These requests are done: the channel answered so to each of them."""
    told = [{"notification_id": request.id, "at": at, "ok": ok, "answer": answer} for request in requests]
    session.execute(insert(Delivery), told)
    work.finish(session, *requests, at=at)


def clear(session: Session, notification: Notification) -> None:
    """Forget what was to be said under a seal, once it is said or given up."""
    session.execute(
        update(Notification)
        .where(Notification.id == notification.id, Notification.payload.has_key("sealed"))
        .values(payload={})
        .execution_options(synchronize_session=False)
    )


def put_off(session: Session, subject: uuid.UUID, *, until_at: datetime, at: datetime) -> None:
    """Whatever else waits to be told about a subject waits until then."""
    waiting = (
        Notification.subject == subject,
        Notification.status == WorkStatus.WAITING,
        Notification.due_at < until_at,
        or_(Notification.lease_until.is_(None), Notification.lease_until < at),
    )
    session.execute(
        update(Notification)
        .where(*waiting)
        .values(due_at=until_at)
        .execution_options(synchronize_session=False)
    )


def hand_over(session: Session, message_id: uuid.UUID, channel: str, *, at: datetime) -> None:
    """This channel will not bring the message: its time is over now, and the next is asked at once."""
    kinds = (UNCONFIRMED, work.of_orders(UNCONFIRMED))
    waiting = (
        Timer.subject == message_id,
        Timer.kind.in_(kinds),
        Timer.status == WorkStatus.WAITING,
        Timer.payload["channel"].astext == work.plain(channel),
        Timer.due_at > at,
    )
    moved = session.execute(
        update(Timer)
        .where(*waiting)
        .values(due_at=at)
        .returning(Timer.kind)
        .execution_options(synchronize_session=False)
    )
    for kind in moved.scalars():
        bell.ring(session, outbox.ORDERS if kind.startswith(work.ORDERS) else outbox.CHANNEL)
