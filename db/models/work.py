"""Work that outlives the process that asked for it: facts, timers, things to tell somebody."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, BigId, BigRef, Small, words
from db.states import WorkStatus

_WAITING = text("status = 'waiting'")


class Work:
    """A row that one worker at a time claims when it is due; `db.work` is the only way to do so."""

    id: Mapped[BigId]
    kind: Mapped[str]
    subject: Mapped[uuid.UUID]  # the incident, or whatever else, it is about
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    status: Mapped[WorkStatus] = mapped_column(words(WorkStatus), default=WorkStatus.WAITING)
    lease_until: Mapped[datetime | None]
    attempts: Mapped[Small] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class Fact(Work, Base):
    """Something that happened and is to be reacted to."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "due_at", "id", postgresql_where=_WAITING),)


class Timer(Work, Base):
    """Something to be done at a time; at most one of a kind waits for a subject."""

    __tablename__ = "timers"
    __table_args__ = (
        Index("ix_timers_due", "due_at", "id", postgresql_where=_WAITING),
        Index("uq_timers_waiting", "subject", "kind", unique=True, postgresql_where=_WAITING),
    )


class Notification(Work, Base):
    """A request to tell somebody something; `kind` names the channel."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_due", "due_at", "id", postgresql_where=_WAITING),
        Index("ix_notifications_subject", "subject"),
    )


class Delivery(Base):
    """One attempt at a notification, with what the channel answered."""

    __tablename__ = "deliveries"

    id: Mapped[BigId]
    notification_id: Mapped[BigRef] = mapped_column(
        ForeignKey("notifications.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime]
    ok: Mapped[bool]
    answer: Mapped[str]

    __table_args__ = (Index("ix_deliveries_at", "at"),)
