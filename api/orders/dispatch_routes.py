"""A desk looks who could come, and gives an order away."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Dispatcher, Now, ReadSession, WriteSession
from api.orders import views
from api.orders.dispatch_schemas import Assignment, OrderCandidateOut, OrderCandidatesOut
from api.orders.rights import OrderId, acted_on_by
from api.orders.schemas import OrderWithTimeline
from dispatch.matching import drivers
from dispatch.orders import assigning, queries, rules

router = APIRouter(prefix="/dispatch", tags=["orders"])


@router.get("/candidates/{order_id}/", response_model=OrderCandidatesOut)
def list_candidates(
    order_id: OrderId,
    desk: Dispatcher,
    session: ReadSession,
    at: Now,
    limit: Annotated[int, Query(ge=1, le=drivers.MOST)] = 50,
) -> OrderCandidatesOut:
    """The drivers near an order: who would be asked, who not and why, and what each score is made of."""
    order = queries.get_order(session, queries.by_id(order_id) & acted_on_by(desk))
    found = drivers.find_candidates(session, order, at=at, limit=limit)
    first = found[0].driver_id if found and not found[0].reasons and order.state in rules.WAITING else None
    return OrderCandidatesOut(
        order=order.id,
        items=[OrderCandidateOut.of(each, is_next=each.driver_id == first, at=at) for each in found],
    )


@router.post("/assign/{order_id}/", response_model=OrderWithTimeline)
def assign(
    order_id: OrderId, desk: Dispatcher, session: WriteSession, at: Now, body: Assignment | None = None
) -> OrderWithTimeline:
    """Give an order to a driver, or to the best candidate; 409 `taken` where somebody has it already."""
    wanted, which = body or Assignment(), queries.by_id(order_id) & acted_on_by(desk)
    assigning.assign(session, which, wanted.driver_id, vehicle_id=wanted.vehicle_id, by=desk.id, at=at)
    return views.show(session, queries.by_id(order_id), desk, at=at)
