"""An order for a tow, a mechanic or a ride, who was asked to take it, and all that was said about it."""

import uuid
from datetime import datetime, time
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, BigId, BigRef, CreatedAt, Money, PublicId, Real, Small, words
from db.models.drivers import Driver, Vehicle
from db.models.people import User
from db.states import OfferState, OrderState, Party, Service

_TAKEN = text("state IN ('accepted', 'en_route', 'arrived', 'in_progress')")
_WAITING = text("state IN ('requested', 'offered', 'unassigned')")
_OPEN = text("state = 'open'")
_SAID = (
    "lower(address || ' ' || dropoff_address || ' ' || notes || ' ' || contact_name || ' '"
    " || coalesce(contact_phone, '') || ' ' || translate(coalesce(vehicle ->> 'plate', ''), ' -', ''))"
)


class VehicleType(Base):
    """A kind of vehicle: what is towed or repaired, or what a passenger rides in; with its base price."""

    __tablename__ = "vehicle_types"

    slug: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    services: Mapped[list[str]] = mapped_column(ARRAY(String))  # words of states.Service
    base_price: Mapped[Money]  # of coming out
    weight_kg: Mapped[int | None]  # what a tow truck must be able to carry for it
    seats: Mapped[Small | None]
    rank: Mapped[Small] = mapped_column(default=0, server_default="0")  # the lowest is shown first
    retired_at: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]


class Tariff(Base):
    """What a service costs in a region; an order keeps the numbers it was quoted by."""

    __tablename__ = "tariffs"

    id: Mapped[BigId]
    service: Mapped[Service] = mapped_column(words(Service))
    region: Mapped[str | None] = mapped_column(ForeignKey("regions.slug"))  # none: wherever no other is
    currency: Mapped[str]  # ISO 4217
    minimum: Mapped[Money]
    included_m: Mapped[int]
    per_km: Mapped[Money]
    night_pct: Mapped[Small]  # 100 is the price of the day
    night_from: Mapped[time]
    night_until: Mapped[time]
    timezone: Mapped[str]  # by which night is told, such as Asia/Tashkent
    free_wait_s: Mapped[int]
    per_wait_min: Mapped[Money]
    addons: Mapped[list[Any]] = mapped_column(JSONB)  # [{"slug", "name", "price"}]
    cancel_pct: Mapped[Small]  # of coming out, where a late cancel is the customer's
    no_show_pct: Mapped[Small]
    changed_at: Mapped[datetime]

    __table_args__ = (
        Index("uq_tariffs_place", "service", "region", unique=True, postgresql_nulls_not_distinct=True),
    )


class Order(Base):
    """One wish for somebody to come, until it is done or given up; only `dispatch` moves its state."""

    __tablename__ = "orders"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    customer_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id"))
    service: Mapped[Service] = mapped_column(words(Service))
    state: Mapped[OrderState] = mapped_column(words(OrderState), default=OrderState.REQUESTED)
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change
    via: Mapped[str]  # the contract by whose words it came
    region: Mapped[str] = mapped_column(ForeignKey("regions.slug"))

    lat: Mapped[float]
    lon: Mapped[float]
    address: Mapped[str] = mapped_column(default="")
    dropoff_lat: Mapped[float | None]
    dropoff_lon: Mapped[float | None]
    dropoff_address: Mapped[str] = mapped_column(default="")
    distance_m: Mapped[int]  # from pickup to dropoff, by road as far as that is known
    vehicle_type: Mapped[str | None] = mapped_column(ForeignKey("vehicle_types.slug"))
    vehicle: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what the customer says of theirs
    needs: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)  # words of states.Need
    seats: Mapped[Small] = mapped_column(default=1)
    contact_name: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str | None]  # E.164; none: the customer's own
    notes: Mapped[str] = mapped_column(default="")
    photos: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)  # names of files
    scheduled_at: Mapped[datetime | None]  # none: now

    quote: Mapped[dict[str, Any]]  # frozen: the lines, and the numbers of the tariff they were made of
    currency: Mapped[str]
    price: Mapped[Money]  # what is to be paid as it stands; a cancelled order's is its fee

    requested_at: Mapped[datetime]
    search_from: Mapped[datetime]  # nobody is asked before
    at_once: Mapped[Small] = mapped_column(default=1)  # how many drivers are asked at the same time
    driver_id: Mapped[BigRef | None] = mapped_column(ForeignKey("drivers.user_id"))
    vehicle_id: Mapped[BigRef | None] = mapped_column(
        ForeignKey("vehicles.id", ondelete="SET NULL"), index=True
    )
    accepted_at: Mapped[datetime | None]
    en_route_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    unassigned_at: Mapped[datetime | None]  # since when a person is asked
    nudged_at: Mapped[datetime | None]  # when a driver who fell silent was asked for a sign
    fault: Mapped[Party | None] = mapped_column(words(Party))  # whose it is that it ended so
    why: Mapped[str | None]
    said: Mapped[str] = mapped_column(Computed(_SAID, persisted=True), deferred=True)  # to be found by

    customer: Mapped[User] = relationship(lazy="raise", foreign_keys=customer_id)
    driver: Mapped[Driver | None] = relationship(lazy="raise")
    driven_by: Mapped[User | None] = relationship(
        lazy="raise", primaryjoin="foreign(Order.driver_id) == User.id", viewonly=True
    )
    coming: Mapped[Vehicle | None] = relationship(lazy="raise")

    __table_args__ = (
        CheckConstraint("num_nonnulls(dropoff_lat, dropoff_lon) IN (0, 2)", name="dropoff_is_a_place"),
        Index("uq_orders_driver", "driver_id", unique=True, postgresql_where=_TAKEN),
        Index("ix_orders_waiting", "search_from", "id", postgresql_where=_WAITING),
        Index("ix_orders_customer", "customer_id", "requested_at", "id"),
        Index("ix_orders_driver", "driver_id", "requested_at", "id"),
        Index("ix_orders_requested_at", "requested_at", "id"),
        Index("ix_orders_said", "said", postgresql_using="gin", postgresql_ops={"said": "gin_trgm_ops"}),
    )


class OrderOffer(Base):
    """One driver asked to take one order, until a deadline."""

    __tablename__ = "order_offers"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    order_id: Mapped[BigRef] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    driver_id: Mapped[BigRef] = mapped_column(ForeignKey("drivers.user_id"))
    state: Mapped[OfferState] = mapped_column(words(OfferState), default=OfferState.OPEN)
    offered_at: Mapped[datetime]
    until_at: Mapped[datetime]  # when silence counts as a no
    answered_at: Mapped[datetime | None]
    answered_via: Mapped[str | None]
    why: Mapped[str | None]
    distance_m: Mapped[Real | None]  # from the driver to the pickup, when offered
    eta_s: Mapped[int | None]
    score: Mapped[Real | None]
    terms: Mapped[dict[str, Any]] = mapped_column(default=dict)  # what the score was made of

    order: Mapped[Order] = relationship(lazy="raise")
    driver: Mapped[Driver] = relationship(lazy="raise")

    __table_args__ = (
        Index("uq_order_offers_open_driver", "driver_id", unique=True, postgresql_where=_OPEN),
        Index("ix_order_offers_order", "order_id", "id"),
        Index("ix_order_offers_driver", "driver_id", "offered_at"),
    )

    @property
    def frame_id(self) -> str:
        """What it is called on the wire: short, for packets are small."""
        return f"o{self.id}"


class OrderEvent(Base):
    """One line of an order's timeline: what, when, by whom, why."""

    __tablename__ = "order_events"

    id: Mapped[BigId]
    order_id: Mapped[BigRef] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[str]
    party: Mapped[Party] = mapped_column(words(Party))
    by_id: Mapped[BigRef | None] = mapped_column(ForeignKey("users.id"))  # none: the house
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)

    by: Mapped[User | None] = relationship(lazy="raise")

    __table_args__ = (Index("ix_order_events_order", "order_id", "id"),)


class OrderMessage(Base):
    """What customer, driver and desk say to each other about an order."""

    __tablename__ = "order_messages"

    id: Mapped[BigId]
    uuid: Mapped[PublicId]
    order_id: Mapped[BigRef] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    sender_id: Mapped[BigRef] = mapped_column(ForeignKey("users.id"))
    party: Mapped[Party] = mapped_column(words(Party))
    at: Mapped[datetime]
    text: Mapped[str]

    sender: Mapped[User] = relationship(lazy="raise")

    __table_args__ = (Index("ix_order_messages_order", "order_id", "id"),)


class OrderLink(Base):
    """A way to watch one order without a login, kept as a hash; good until a while after its end."""

    __tablename__ = "order_links"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    order_id: Mapped[BigRef] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(default="")  # for whom it was made
    created_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
