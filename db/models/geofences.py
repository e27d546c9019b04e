"""Fences around places, how each device stands to them, and when it crossed them."""

from datetime import datetime

from geoalchemy2 import Geography, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef, CreatedAt, PublicId, words
from db.models.devices import Device
from db.models.people import User
from db.states import Crossing, Side


class Geofence(Base):
    """An area or a circle, and whose crossing of it counts: one device, or all of a person's."""

    __tablename__ = "geofences"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    owner_id: Mapped[BigRef | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )  # none: the staff's
    name: Mapped[str]
    active: Mapped[bool] = mapped_column(default=True)
    device_id: Mapped[BigRef | None] = mapped_column(ForeignKey("devices.id"), index=True)
    person_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"), index=True)
    area: Mapped[WKBElement | None] = mapped_column(Geography("MULTIPOLYGON", srid=4326, spatial_index=False))
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    radius_m: Mapped[float | None]
    depth_m: Mapped[float]  # how far from the border one can be inside
    created_at: Mapped[CreatedAt]

    device: Mapped[Device | None] = relationship(lazy="raise")
    person: Mapped[User | None] = relationship(lazy="raise", foreign_keys=person_id)

    __table_args__ = (
        CheckConstraint("num_nonnulls(device_id, person_id) = 1", name="watches_one"),
        CheckConstraint(
            "num_nonnulls(lat, lon, radius_m) = CASE WHEN area IS NULL THEN 3 ELSE 0 END",
            name="has_one_shape",
        ),
    )


class GeofenceWatch(Base):
    """How one device stands to one fence, as of the fix looked at last; no side: not known yet."""

    __tablename__ = "geofence_watches"

    geofence_id: Mapped[BigRef] = mapped_column(
        ForeignKey("geofences.id", ondelete="CASCADE"), primary_key=True
    )
    device_id: Mapped[BigRef] = mapped_column(
        ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    looked_at: Mapped[datetime | None]  # the time of that fix
    side: Mapped[Side | None] = mapped_column(words(Side))
    doubted_at: Mapped[datetime | None]  # the fix that said otherwise, while a second is awaited

    # Every look updates it and no indexed column changes: room on the page keeps it in place.
    __table_args__ = ({"postgresql_with": {"fillfactor": "50"}},)


class GeofenceEvent(Base):
    """A device crossed a fence."""

    __tablename__ = "geofence_events"

    id: Mapped[BigId]
    geofence_id: Mapped[BigRef] = mapped_column(ForeignKey("geofences.id", ondelete="CASCADE"))
    device_id: Mapped[BigRef] = mapped_column(ForeignKey("devices.id", ondelete="CASCADE"), index=True)
    kind: Mapped[Crossing] = mapped_column(words(Crossing))
    at: Mapped[datetime]  # the first fix on the other side
    confirmed_at: Mapped[datetime]  # the second

    device: Mapped[Device] = relationship(lazy="raise")

    __table_args__ = (
        UniqueConstraint("geofence_id", "device_id", "at"),
        Index("ix_geofence_events_newest", "geofence_id", "at", "id"),
        Index("ix_geofence_events_at", "at"),
    )
