"""An order is given up: whose fault that is, what it costs, and when nobody was there."""

from datetime import datetime

from sqlalchemy.orm import Session

from db.models import Order
from db.states import Party
from dispatch.orders import moving, pricing
from dispatch.orders.pricing import Rates
from dispatch.orders.rules import S


def cancel(
    session: Session,
    order: Order,
    *,
    party: Party,
    by: int | None,
    at: datetime,
    why: str | None,
    fault: Party | None = None,
) -> Order:
    """Nobody needs to come any more; the order, which is held, costs its fee."""
    blamed = fault or (Party.CUSTOMER if party is Party.CUSTOMER else Party.HOUSE)
    rates = Rates.thawed(order.quote["rates"])
    fee = pricing.cancel_fee(rates, fault=blamed, accepted_at=order.accepted_at, at=at)
    moving.move(session, order, S.CANCELLED, party=party, by=by, at=at, why=why, fault=blamed, fee=fee)
    order.fault, order.why, order.price = blamed, why, fee
    return order


def no_show(
    session: Session, order: Order, *, party: Party, by: int | None, at: datetime, why: str | None = None
) -> Order:
    """Nobody was there; the order, which is held, costs its fee."""
    fee = pricing.no_show_fee(Rates.thawed(order.quote["rates"]))
    moving.move(session, order, S.NO_SHOW, party=party, by=by, at=at, why=why, fee=fee)
    order.fault, order.why, order.price = Party.CUSTOMER, why, fee
    return order
