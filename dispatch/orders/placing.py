"""A wish becomes an order."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.models import Order
from db.states import Party
from dispatch.errors import Conflict
from dispatch.orders import pricing, rules, tariffs, timeline, ways, wishes
from dispatch.orders.pricing import Quote
from dispatch.orders.wishes import Wish
from dispatch.regions import region_of

__all__ = ["Enough", "Wish", "place", "quote", "require_room"]


class Enough(Conflict):
    """More than anybody can need at the same time."""

    code = "too_many_open"


def quote(session: Session, wish: Wish, *, at: datetime) -> Quote:
    """What it would cost, and why."""
    way_m = _way_m(wish)
    wishes.check(wish, way_m=way_m, at=at)
    tariff = tariffs.find_tariff(session, wish.service, region_of(session, wish.lat, wish.lon))
    kind = tariffs.find_type(session, wish.service, wish.vehicle_type, seats=wish.seats)
    return pricing.quote(
        tariffs.rates_of(tariff, kind),
        distance_m=way_m,
        addons=tariffs.pick_addons(tariff, wish.addons),
        at=wish.scheduled_at or at,
    )


def require_room(session: Session, customer_id: int) -> None:
    """Raise Enough where somebody waits for so many already that more must be a mistake."""
    is_open = Order.state.in_(rules.WAITING | rules.TAKEN)
    waiting = session.scalar(select(func.count()).where(Order.customer_id == customer_id, is_open)) or 0
    if waiting >= rules.MOST_OPEN:
        raise Enough(f"you have {waiting} orders that are not done yet; cancel one, or call the desk")


def place(
    session: Session,
    wish: Wish,
    *,
    customer_id: int,
    via: str,
    at_once: int = 1,
    quoted: Quote | None = None,
    by: int | None = None,
    party: Party = Party.CUSTOMER,
    at: datetime,
) -> Order:
    """Ask for somebody to come, at the price that was quoted or, without one, as it is now.

    `by` is who says so where that is not the customer: the desk, for somebody on the telephone.
    """
    wishes.check(wish, way_m=_way_m(wish), at=at)
    agreed = quoted or quote(session, wish, at=at)
    order = Order(
        customer_id=customer_id,
        service=wish.service,
        revision=0,
        via=via,
        region=region_of(session, wish.lat, wish.lon),
        lat=wish.lat,
        lon=wish.lon,
        address=wish.address,
        dropoff_lat=wish.dropoff_lat,
        dropoff_lon=wish.dropoff_lon,
        dropoff_address=wish.dropoff_address,
        distance_m=agreed.distance_m,
        vehicle_type=agreed.rates.vehicle_type,
        vehicle=dict(wish.vehicle),
        needs=[need.value for need in wish.needs],
        seats=wish.seats,
        contact_name=wish.contact_name,
        contact_phone=wish.contact_phone,
        notes=wish.notes,
        scheduled_at=wish.scheduled_at,
        quote=agreed.frozen(),
        currency=agreed.currency,
        price=agreed.total,
        requested_at=at,
        search_from=rules.search_from(wish.scheduled_at, at=at),
        at_once=at_once,
    )
    session.add(order)
    session.flush()
    timeline.record(session, order, "requested", party=party, by=by or customer_id, at=at)
    return order


def _way_m(wish: Wish) -> int:
    return ways.way_m(wish.lat, wish.lon, wish.dropoff_lat, wish.dropoff_lon)
