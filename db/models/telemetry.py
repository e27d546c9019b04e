"""What devices measured, in hypertables by the time of the sample; and what could not be read."""

from datetime import datetime

from sqlalchemy import DateTime, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, BigId, BigRef, CreatedAt, Real, Small


class _Sample:
    """One sample of one device; (device, time, seq) is unique, so a redelivery is stored once."""

    # No foreign key: it would be checked for each of 100,000 rows a second. The lane looks the device up.
    device_id: Mapped[BigRef] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    seq: Mapped[BigRef] = mapped_column(
        primary_key=True, autoincrement=False
    )  # negative: made from the content
    received_at: Mapped[datetime]
    clock: Mapped[Small]  # db.states.Clock
    battery_pct: Mapped[Small | None]


class Position(_Sample, Base):
    """A fix."""

    __tablename__ = "positions"

    lat: Mapped[float]
    lon: Mapped[float]
    alt_m: Mapped[Real | None]
    accuracy_m: Mapped[Real | None]
    speed_mps: Mapped[Real | None]
    direction_deg: Mapped[Real | None]


class Vitals(_Sample, Base):
    """What the body told the watch."""

    __tablename__ = "vitals"

    heart_rate_bpm: Mapped[Small | None]
    spo2_pct: Mapped[Small | None]
    temperature_c: Mapped[Real | None]
    steps: Mapped[int | None]
    worn: Mapped[bool | None]


class QuarantinedFrame(Base):
    """A frame that could not be read, with the reason; nothing that reached a lane is thrown away."""

    __tablename__ = "quarantine"

    id: Mapped[BigId]
    received_at: Mapped[CreatedAt]
    lane: Mapped[str]
    topic: Mapped[str]
    uid: Mapped[str | None]
    reason: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    text: Mapped[str | None]  # the payload as a person can read it, where it is text

    __table_args__ = (
        Index("ix_quarantine_received_at", "received_at"),
        Index("ix_quarantine_uid", "uid", "received_at"),
    )
