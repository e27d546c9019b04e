"""What people are told, whichever channel reaches them; and where they can be reached."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, BigId, BigRef, CreatedAt, PublicId, Small


class Message(Base):
    """One thing one person is told, by one channel after the other until they confirm it.

    The key makes it one: the same thing asked for again is the message that exists.
    """

    __tablename__ = "messages"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    user_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    contact_id: Mapped[BigRef | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    incident_id: Mapped[UUID | None] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"))
    order_id: Mapped[BigRef | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    key: Mapped[str]
    text: Mapped[str]  # which of notifier.texts
    sealed: Mapped[str]  # what the text is filled with: db.seal
    channels: Mapped[list[str]] = mapped_column(ARRAY(String))  # in the order in which they are tried
    tried: Mapped[Small] = mapped_column(default=0)  # how many of them were asked
    created_at: Mapped[datetime]
    until_at: Mapped[datetime]  # later it is of no use to anybody
    confirmed_at: Mapped[datetime | None]
    confirmed_via: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("num_nonnulls(user_id, contact_id) = 1", name="is_for_one"),
        UniqueConstraint("user_id", "key"),
        UniqueConstraint("contact_id", "key"),
        Index("ix_messages_incident", "incident_id", "id"),
        Index("ix_messages_order", "order_id", "id", postgresql_where=sql("order_id IS NOT NULL")),
    )


class PushToken(Base):
    """One installation of an app that can be pushed to; dropped when the provider no longer knows it."""

    __tablename__ = "push_tokens"

    token: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("login_sessions.id", ondelete="CASCADE"), index=True
    )  # the login it was registered in; ended, nothing is pushed there any more
    platform: Mapped[str]
    registered_at: Mapped[datetime]
    dropped_at: Mapped[datetime | None]
    dropped_why: Mapped[str | None]


class Webhook(Base):
    """A system of somebody else's that hears of facts, signed with a secret that both know."""

    __tablename__ = "webhooks"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    url: Mapped[str]
    sealed_secret: Mapped[str]  # with the one before it, for as long as that is good
    events: Mapped[list[str]] = mapped_column(ARRAY(String))  # kinds of facts; empty means all
    region: Mapped[str | None]  # none means all
    active: Mapped[bool] = mapped_column(default=True)
    failing_since: Mapped[datetime | None]  # nothing was taken since
    disabled_why: Mapped[str | None]  # not by a person, but for having failed too long
    created_by_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
