"""What contracts about orders share, whichever words they have."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import Session

from api import paging
from api.accounts.service import Person
from api.deps import ReadSession
from api.orders import words
from api.orders.rights import Side, acted_on_by, party_of, seen_by
from api.paging import Cursor, Limit
from db import areas
from db.models import Order, User
from db.states import OrderState, Party, Service
from dispatch.errors import WrongFields
from dispatch.orders import cancelling, moving, queries, rules
from dispatch.orders.queries import Wanted


def update(
    session: Session, order_id: int, caller: Person, wanted: OrderState, *, why: str | None, at: datetime
) -> Order:
    """Bring an order to a state as its customer, its driver or a desk may; said twice, it is the same.

    What a contract has no word for on the way is walked through. A driver who cancels gives the order back:
    the customer still waits for somebody to come.
    """
    order = queries.lock_order(session, and_(queries.by_id(order_id), acted_on_by(caller)))
    party = party_of(order, caller)
    if wanted is OrderState.CANCELLED and party is Party.DRIVER:
        wanted = OrderState.REQUESTED
    if wanted is order.state:
        return order
    match wanted:
        case OrderState.CANCELLED:
            return cancelling.cancel(session, order, party=party, by=caller.id, at=at, why=why)
        case OrderState.NO_SHOW:
            return cancelling.no_show(session, order, party=party, by=caller.id, at=at, why=why)
        case OrderState.REQUESTED:
            return moving.release(session, order, party=party, by=caller.id, at=at, why=why)
        case _:
            return moving.advance(session, order, wanted, party=party, by=caller.id, at=at)


def major(amount: int, currency: str) -> float:
    """An amount in minor units as these contracts write it; only on the wire is money a fraction."""
    units: int = 10 ** words.digits_of(currency)
    return amount / units


def spot(lat: float, lon: float, side: Side) -> tuple[float, float]:
    """A place as one side may know it: who has not said yes is told about where it is."""
    return areas.about(lat, lon) if side is Side.ASKED else (lat, lon)


def customer_phone(order: Order, side: Side) -> str | None:
    """The number by which the customer is found; a driver has it for as long as they have the order."""
    if side is Side.ASKED or (side is Side.DRIVER and order.state not in rules.TAKEN):
        return None
    return order.contact_phone or order.customer.phone


def driver_phone(order: Order, side: Side) -> str | None:
    """The driver's number; a customer has it for as long as the driver has the order."""
    if order.driven_by is None or side is Side.ASKED:
        return None
    return None if side is Side.CUSTOMER and order.state not in rules.TAKEN else order.driven_by.phone


def customer_name(order: Order, side: Side) -> str:
    """Whom the driver asks for; customer and driver know each other's first name."""
    return order.contact_name or _name_of(order.customer, side, Side.CUSTOMER)


def driver_name(driver: User, side: Side) -> str:
    """By what name who comes is known."""
    return _name_of(driver, side, Side.DRIVER)


def _name_of(person: User, side: Side, own: Side) -> str:
    return person.full_name if side in (own, Side.DESK) else person.first_name or ""


@contextmanager
def in_words(names: Mapping[str, str]) -> Iterator[None]:
    """Have what is wrong with a wish told by the names that its contract has for the fields."""
    try:
        yield
    except WrongFields as refused:
        wrong = {names.get(each["field"], each["field"]): each["message"] for each in refused.wrong}
        raise WrongFields(wrong) from None


class Pages:
    """Lists that are plain in their contract: the address of the next page is in the `Link` header."""

    def __init__(
        self,
        request: Request,
        response: Response,
        session: ReadSession,
        cursor: Cursor | None = None,
        limit: Limit = 100,
    ) -> None:
        self._request, self._response, self._session = request, response, session
        self._before = paging.read_cursor(cursor, int)
        self._limit = limit

    def find(
        self,
        caller: Person,
        *also: ColumnElement[bool],
        services: Sequence[Service],
        states: Sequence[OrderState] = (),
    ) -> Sequence[Order]:
        """A page of the orders that somebody may see, the newest first."""
        found = queries.list_orders(
            self._session,
            Wanted(states=states, services=services),
            seen_by=and_(seen_by(caller), *also),
            before=self._before,
            limit=self._limit + 1,
        )
        rows, more = paging.cut(found, self._limit, _cursor_of)
        if more is not None:
            address = self._request.url.include_query_params(cursor=more)
            self._response.headers["Link"] = f'<{address}>; rel="next"'
        return rows


def _cursor_of(order: Order) -> str:
    return paging.write_cursor(order.requested_at, order.id)


InPages = Annotated[Pages, Depends(Pages)]
