"""What becomes of an order: each side says what it may."""

from fastapi import APIRouter, status
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.deps import Caller, Now, WriteSession
from api.idempotency import Once
from api.orders import views
from api.orders.rights import OrderId, acted_on_by, party_of
from api.orders.schemas import Cancellation, GivenBack, OrderWithTimeline, Reason, StatusIn
from api.refusals import WrongField
from db.models import Order
from db.states import OrderState, Party
from dispatch.errors import Forbidden
from dispatch.orders import cancelling, moving, queries

router = APIRouter(prefix="/orders/{order_id}", tags=["orders"])


@router.patch("/update-status/", response_model=OrderWithTimeline)
def update_status(
    order_id: OrderId, body: StatusIn, caller: Caller, session: WriteSession, at: Now
) -> OrderWithTimeline:
    """Say where an order is now, as its customer, its driver or a desk may; said twice, it is the same."""
    order = hold(session, order_id, caller)
    party = party_of(order, caller)
    match body.status:
        case wanted if wanted == order.state:
            pass
        case OrderState.CANCELLED:
            cancelling.cancel(session, order, party=party, by=caller.id, at=at, why=body.why)
        case OrderState.NO_SHOW:
            cancelling.no_show(session, order, party=party, by=caller.id, at=at, why=body.why)
        case OrderState.REQUESTED:
            moving.release(session, order, party=party, by=caller.id, at=at, why=body.why)
        case OrderState.ACCEPTED:
            raise WrongField(
                "status", "is reached by accepting an offer, or by a desk at /api/dispatch/assign/{order}/"
            )
        case wanted:
            moving.move(session, order, wanted, party=party, by=caller.id, at=at, why=body.why)
    return views.show(session, queries.by_id(order_id), caller, at=at)


@router.post("/cancel/", response_model=OrderWithTimeline)
def cancel(
    order_id: OrderId, body: Cancellation, caller: Caller, session: WriteSession, at: Now
) -> OrderWithTimeline:
    """Nobody needs to come any more; what that costs stands in the order before, as `cancel`."""
    order = hold(session, order_id, caller)
    party = party_of(order, caller)
    if body.fault is not None and party is not Party.DISPATCHER:
        raise Forbidden("whose fault it is, the desk says")
    if order.state != OrderState.CANCELLED:
        cancelling.cancel(session, order, party=party, by=caller.id, at=at, why=body.why, fault=body.fault)
    return views.show(session, queries.by_id(order_id), caller, at=at)


@router.post("/no-show/", response_model=OrderWithTimeline)
def no_show(
    order_id: OrderId, body: Reason, caller: Caller, session: WriteSession, at: Now
) -> OrderWithTimeline:
    """Nobody was at the pickup, where the driver has waited and called; else what is missing is said."""
    order = hold(session, order_id, caller)
    if order.state != OrderState.NO_SHOW:
        party = party_of(order, caller)
        cancelling.no_show(session, order, party=party, by=caller.id, at=at, why=body.why)
    return views.show(session, queries.by_id(order_id), caller, at=at)


@router.post("/call-attempts/", status_code=status.HTTP_201_CREATED, response_model=OrderWithTimeline)
def log_call(
    order_id: OrderId, caller: Caller, once: Once, session: WriteSession, at: Now
) -> OrderWithTimeline:
    """Somebody tried to reach the customer by telephone; a driver who finds nobody has to."""
    order = hold(session, order_id, caller)
    party = party_of(order, caller)
    if party is Party.CUSTOMER:
        raise Forbidden("the driver or the desk logs how they tried to reach the customer")
    cancelling.log_call(session, order, party=party, by=caller.id, at=at)
    return once.keep(views.show(session, queries.by_id(order_id), caller, at=at))


@router.post("/give-back/", response_model=GivenBack)
def give_back(
    order_id: OrderId, body: Reason, caller: Caller, once: Once, session: WriteSession, at: Now
) -> GivenBack:
    """The driver does not come after all, or the desk takes it from them: another one is looked for."""
    order = hold(session, order_id, caller)
    moving.release(session, order, party=party_of(order, caller), by=caller.id, at=at, why=body.why)
    return once.keep(GivenBack(id=order.id, state=order.state))


def hold(session: Session, order_id: int, person: Person) -> Order:
    """An order that somebody has a part in, held; NotFound for anybody else."""
    return queries.lock_order(session, queries.by_id(order_id) & acted_on_by(person))
