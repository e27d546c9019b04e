"""Watches, phones and trackers: what they are, how they log in and report, how they were last seen."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef, CreatedAt, PublicId, Real, Small, words
from db.models.people import User
from db.states import CredentialKind, DeviceKind, Presence


class Device(Base):
    """A thing that publishes; its uid is its MQTT username and stands in its topics."""

    __tablename__ = "devices"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    uid: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[DeviceKind] = mapped_column(words(DeviceKind), default=DeviceKind.WATCH)
    name: Mapped[str] = mapped_column(default="", server_default="")  # what its owner calls it
    model: Mapped[str] = mapped_column(default="")
    sim_number: Mapped[str | None]
    owner_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"), index=True)
    owned_since: Mapped[datetime | None]  # what is older is not its owner's to see; none: all of it is
    created_at: Mapped[CreatedAt]
    retired_at: Mapped[datetime | None]
    canary: Mapped[bool] = mapped_column(default=False, server_default=false())  # the house's own

    owner: Mapped[User | None] = relationship(lazy="raise")
    last: Mapped["DeviceLast | None"] = relationship(lazy="raise", viewonly=True)
    config: Mapped["DeviceConfig | None"] = relationship(lazy="raise", viewonly=True)

    __table_args__ = (Index("ix_devices_created_at", "created_at", "id"),)


class MqttCredential(Base):
    """A broker user; the keeper makes the broker's files equal to these rows.

    A device has two at most, under its two names, so that a new secret can be given while the old one works.
    """

    __tablename__ = "mqtt_credentials"

    username: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[CredentialKind] = mapped_column(words(CredentialKind))
    device_id: Mapped[BigRef | None] = mapped_column(ForeignKey("devices.id"), index=True)
    user_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"), index=True)
    password_hash: Mapped[str]
    client_id: Mapped[str]
    alert_regions: Mapped[list[str] | None] = mapped_column(ARRAY(String))  # of a dispatcher; none means all
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]
    number: Mapped[int] = mapped_column(default=1, server_default="1")  # grows with each rotation
    expires_at: Mapped[datetime | None]  # of the older of two: when it stops working

    __table_args__ = (CheckConstraint("num_nonnulls(device_id, user_id) = 1", name="belongs_to_one"),)


class DeviceClaim(Base):
    """A code that makes its finder the owner of a device; used once, kept as a hash."""

    __tablename__ = "device_claims"

    device_id: Mapped[BigRef] = mapped_column(ForeignKey("devices.id"), primary_key=True, autoincrement=False)
    code_hash: Mapped[str] = mapped_column(unique=True)
    issued_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]


class DeviceConfig(Base):
    """How a device is to report; it keeps the highest version it has seen."""

    __tablename__ = "device_configs"

    device_id: Mapped[BigRef] = mapped_column(ForeignKey("devices.id"), primary_key=True, autoincrement=False)
    version: Mapped[int]
    rest_s: Mapped[int | None]
    move_s: Mapped[int | None]
    alarm_s: Mapped[int | None]
    batch: Mapped[int | None]
    changed_at: Mapped[datetime]

    device: Mapped[Device] = relationship(lazy="raise")


class DeviceLast(Base):
    """The newest thing known of each device; one row a device, updated in place."""

    __tablename__ = "device_last"

    device_id: Mapped[BigRef] = mapped_column(ForeignKey("devices.id"), primary_key=True, autoincrement=False)
    last_seen_at: Mapped[datetime]
    last_seen_via: Mapped[str] = mapped_column(default="mqtt", server_default="mqtt")

    position_at: Mapped[datetime | None]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    alt_m: Mapped[Real | None]
    accuracy_m: Mapped[Real | None]
    speed_mps: Mapped[Real | None]
    direction_deg: Mapped[Real | None]

    vitals_at: Mapped[datetime | None]
    heart_rate_bpm: Mapped[Small | None]
    spo2_pct: Mapped[Small | None]
    temperature_c: Mapped[Real | None]
    steps: Mapped[int | None]
    worn: Mapped[bool | None]

    battery_at: Mapped[datetime | None]
    battery_pct: Mapped[Small | None]

    presence_at: Mapped[datetime | None]
    presence: Mapped[Presence | None] = mapped_column(words(Presence))
    firmware: Mapped[str | None]
    boot: Mapped[int | None]
    login: Mapped[int | None]  # the number of the credential it says it uses

    # No update changes an indexed column: room on the page keeps each in place. Where people are who
    # can be sent to somebody is looked up in `last_places`.
    __table_args__ = {"postgresql_with": {"fillfactor": "70"}}  # noqa: RUF012 - SQLAlchemy reads it from the class
