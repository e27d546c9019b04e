"""Photos of what is to be towed, repaired or carried."""

from typing import Annotated

from fastapi import APIRouter, Path, Response, status
from sqlalchemy import select

from api.deps import Caller, Db, Now, RawBody, ReadSession, Settings
from api.orders.rights import OrderId, acted_on_by, party_of
from api.orders.work_routes import hold
from api.people import photos, pictures
from api.people.photos import Seen
from api.schemas import Answer
from db.models import Order
from dispatch.errors import NotFound
from dispatch.orders import picturing, queries

router = APIRouter(prefix="/orders/{order_id}/photos", tags=["orders"])

Name = Annotated[str, Path(max_length=60)]


class PhotoOut(Answer):
    """Where a photo can be looked at."""

    photo: str


@router.post("/", status_code=status.HTTP_201_CREATED, response_model=PhotoOut, openapi_extra=photos.REQUEST)
def add_photo(
    order_id: OrderId, caller: Caller, body: RawBody, database: Db, settings: Settings, at: Now
) -> PhotoOut:
    """Show a photo with the order: the bytes of a JPEG, PNG or WebP, at most 5 MB."""
    name = photos.keep(settings.media_dir, body, pictures.look(body))
    try:
        with database.transaction() as session:
            order = hold(session, order_id, caller)
            picturing.add_photo(session, order, name, party=party_of(order, caller), by=caller.id, at=at)
    except Exception:
        photos.drop(settings.media_dir, name)
        raise
    return PhotoOut(photo=f"/api/v1/orders/{order_id}/photos/{name}/")


@router.get("/{name}/", response_class=Response, responses=photos.ANSWER)
def show_photo(
    order_id: OrderId, name: Name, caller: Caller, session: ReadSession, settings: Settings, seen: Seen = None
) -> Response:
    """One photo, for those who have a part in the order."""
    own = select(Order.id).where(queries.by_id(order_id), acted_on_by(caller))
    if session.scalar(own.where(Order.photos.contains([name]))) is None:
        raise NotFound("there is no such photo")
    return photos.answer(settings.media_dir, name, seen)


@router.delete("/{name}/", status_code=status.HTTP_204_NO_CONTENT)
def remove_photo(
    order_id: OrderId, name: Name, caller: Caller, database: Db, settings: Settings, at: Now
) -> None:
    """Take a photo away that one has added oneself; a desk takes away any."""
    with database.transaction() as session:
        order = hold(session, order_id, caller)
        picturing.remove_photo(session, order, name, party=party_of(order, caller), by=caller.id, at=at)
    # Only after the commit: until then the row names it.
    photos.drop(settings.media_dir, name)
