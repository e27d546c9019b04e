"""Those who come: what they may drive, what they do, whether they are ready, where they are."""

from datetime import date, datetime

from geoalchemy2 import Geography, WKBElement
from sqlalchemy import Computed, ForeignKey, Index, String, false
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef, CreatedAt, Real


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
    created_at: Mapped[CreatedAt]


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
