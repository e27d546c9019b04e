"""Requests to tell somebody something; a request is a row, and so is each attempt."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, update
from sqlalchemy.orm import Session

from db import bell, outbox
from db.models.work import Delivery, Notification, Timer
from db.states import WorkStatus

TOPICS = "topics"
MESSAGES = "messages"
"""The bells: an alert does not wake those who wait for providers, nor they the topics."""

_TO_PROVIDERS = frozenset({"push", "sms", "mail", "nobody", "webhook"})

UNCONFIRMED = "message_unconfirmed"
"""The timer of a message while one channel brings it; when it is due, the next channel is asked."""


def request(session: Session, channel: str, subject: uuid.UUID, *, at: datetime, **payload: Any) -> None:
    """Have `subject` told on `channel`; the notifier wakes after the commit."""
    session.add(Notification(kind=channel, subject=subject, payload=payload, created_at=at, due_at=at))
    bell.ring(session, MESSAGES if channel in _TO_PROVIDERS else TOPICS)


def record_attempt(
    session: Session, notification: Notification, *, ok: bool, answer: str, at: datetime
) -> None:
    """Keep what the channel answered."""
    session.add(Delivery(notification_id=notification.id, at=at, ok=ok, answer=answer))


def clear(session: Session, notification: Notification) -> None:
    """Forget what was to be said under a seal, once it is said or given up."""
    session.execute(
        update(Notification)
        .where(Notification.id == notification.id, Notification.payload.has_key("sealed"))
        .values(payload={})
        .execution_options(synchronize_session=False)
    )


def hand_over(session: Session, message_id: uuid.UUID, channel: str, *, at: datetime) -> None:
    """This channel will not bring the message: its time is over now, and the next is asked at once."""
    waiting = (
        Timer.subject == message_id,
        Timer.kind == UNCONFIRMED,
        Timer.status == WorkStatus.WAITING,
        Timer.payload["channel"].astext == channel,
        Timer.due_at > at,
    )
    moved = session.execute(
        update(Timer).where(*waiting).values(due_at=at).execution_options(synchronize_session=False)
    )
    assert isinstance(moved, CursorResult)
    if moved.rowcount:
        bell.ring(session, outbox.CHANNEL)
