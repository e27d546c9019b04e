"""Those who come: what they may drive, what they do, whether they are ready, where they are."""

from datetime import date, datetime

from geoalchemy2 import Geography, WKBElement
from sqlalchemy import Computed, ForeignKey, Index, String, false, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef, CreatedAt, Real, Small


class Driver(Base):
    """What is known of a person who holds the role of a driver; who told nothing yet has no row."""

    __tablename__ = "drivers"

    user_id: Mapped[BigRef] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    services: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)  # words of states.Service
    online: Mapped[bool] = mapped_column(default=False, server_default=false())
    licence_category: Mapped[str | None]
    licence_number: Mapped[str | None]
    licence_expires_on: Mapped[date | None]
    regions: Mapped[list[str] | None] = mapped_column(ARRAY(String))  # where they drive; none means anywhere
    created_at: Mapped[CreatedAt]

    vehicles: Mapped[list["Vehicle"]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by="Vehicle.id"
    )


class Vehicle(Base):
    """What a driver comes with."""

    __tablename__ = "vehicles"

    id: Mapped[BigId]
    driver_id: Mapped[BigRef] = mapped_column(ForeignKey("drivers.user_id", ondelete="CASCADE"), index=True)
    type: Mapped[str]
    registration: Mapped[str | None]
    name: Mapped[str] = mapped_column(default="", server_default="")  # make, model, colour
    seats: Mapped[Small | None]
    payload_kg: Mapped[int | None]  # what a tow truck can carry
    lift: Mapped[bool] = mapped_column(default=False, server_default=false())
    ramp: Mapped[bool] = mapped_column(default=False, server_default=false())
    child_seats: Mapped[Small] = mapped_column(default=0, server_default="0")
    retired_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class Shift(Base):
    """A time in which a driver could be asked; `drivers.online` says whether one is going on."""

    __tablename__ = "shifts"

    id: Mapped[BigId]
    driver_id: Mapped[BigRef] = mapped_column(ForeignKey("drivers.user_id", ondelete="CASCADE"))
    vehicle_id: Mapped[BigRef | None] = mapped_column(ForeignKey("vehicles.id", ondelete="SET NULL"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    why_ended: Mapped[str | None]

    __table_args__ = (
        Index("uq_shifts_open", "driver_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_shifts_driver", "driver_id", "started_at"),
    )


class LastPlace(Base):
    """Where a person is, by HTTP or by their phone over MQTT; one row each, updated in place."""

    __tablename__ = "last_places"

    user_id: Mapped[BigRef] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime]
    lat: Mapped[float]
    lon: Mapped[float]
    accuracy_m: Mapped[Real | None]
    place: Mapped[WKBElement] = mapped_column(
        Geography("POINT", srid=4326, spatial_index=False),
        Computed("(ST_SetSRID(ST_MakePoint(lon, lat), 4326))::geography", persisted=True),
    )

    __table_args__ = (
        Index("ix_last_places_place", "place", postgresql_using="gist"),
        # A row is rewritten with every step its person takes: room on the page keeps it in place.
        {"postgresql_with": {"fillfactor": "70"}},
    )
