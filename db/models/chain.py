"""The chain looking at itself: what is ill in it, and the calls that try it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, BigId, PublicId


class SystemAlert(Base):
    """Something in the chain is ill, or was; at most one of a kind is open in a region."""

    __tablename__ = "system_alerts"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    region: Mapped[str]
    what: Mapped[str]  # the last segment of its topic
    message: Mapped[str]  # for a person
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_system_alerts_open", "region", "what", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
    )


class CanaryCall(Base):
    """One call for help that nobody made, sent to see how long the whole way takes."""

    __tablename__ = "canary_calls"

    id: Mapped[BigId]
    sent_at: Mapped[datetime] = mapped_column(index=True)
    incident_id: Mapped[UUID | None]
    stored_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]  # the device had its ack
    alerted_at: Mapped[datetime | None]  # it stood on the alert topic
    telemetry_at: Mapped[datetime | None]  # a sample that was sent beside it was acknowledged
    trouble: Mapped[str | None]
