"""People a wearer trusts, and the links by which they look on without a login."""

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, BigId, BigRef, CreatedAt, PublicId, Small


class Contact(Base):
    """A guardian of somebody: told when they call for help. Needs no account."""

    __tablename__ = "contacts"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    wearer_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    phone: Mapped[str | None]  # E.164
    email: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="en", server_default="en")
    rank: Mapped[Small] = mapped_column(default=0, server_default="0")  # the lowest is told first
    created_at: Mapped[CreatedAt]

    __table_args__ = (CheckConstraint("num_nonnulls(phone, email) >= 1", name="can_be_reached"),)


class LiveLink(Base):
    """A way to look at one incident without a login, kept as a hash; good for as long as that is open."""

    __tablename__ = "live_links"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    incident_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("incidents.id", ondelete="CASCADE"))
    contact_id: Mapped[BigRef | None] = mapped_column(ForeignKey("contacts.id", ondelete="CASCADE"))
    name: Mapped[str]  # for whom it was made
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_live_links_incident", "incident_id"),)


class Pin(Base):
    """By what a wearer shows that it is they who cancel; the duress pin says that it is not of their will."""

    __tablename__ = "pins"

    user_id: Mapped[BigRef] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    pin_hash: Mapped[str]
    duress_hash: Mapped[str | None]
    wrong: Mapped[Small] = mapped_column(default=0, server_default="0")  # tries since the last right one
    wrong_at: Mapped[datetime | None]
    wrong_hash: Mapped[str | None]  # of the last one: sent again, it is the same try
    changed_at: Mapped[datetime]
