"""Depannini's channels: an assistant is asked; client and assistant see where the other is, and talk."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, WebSocket
from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError

from api.accounts.service import Person
from api.dialects.depannini import words
from api.dialects.depannini.schemas import Latitude, Longitude
from api.errors import wrong_fields
from api.orders import chat
from api.orders.chat import After, Words
from api.orders.interests import Changed, Moved, News, Offered, OneOrder, OrdersOf, Said
from api.orders.sights import OrderSight, Someone
from api.orders.sockets import Id, watch
from api.orders.watching import Onlooker
from api.refusals import WrongField
from api.schemas import Documented
from api.sockets import Hear
from db import areas
from db.session import Database
from db.states import Party
from dispatch.errors import DomainError

log = structlog.get_logger()

router = APIRouter()


class LocationSaid(Documented):
    """Where the caller is."""

    type: Literal["location"]
    lat: Latitude
    lng: Longitude
    user_id: int | None = None


class ChatSaid(Documented):
    """What the caller says to the other; `sender` is whoever is logged in."""

    type: Literal["chat"]
    message: Words


_READ: TypeAdapter[LocationSaid | ChatSaid] = TypeAdapter(
    Annotated[LocationSaid | ChatSaid, Field(discriminator="type")]
)


@router.websocket("/ws/assistant/{assistant_id}/")
async def assistant(socket: WebSocket, assistant_id: Id) -> None:
    """Requests that an assistant is asked to take: for that assistant and for desks."""
    await watch(socket, OrdersOf(assistant_id, Party.DRIVER), render_request)


@router.websocket("/ws/assistance/{assistance_id}/")
async def assistance(socket: WebSocket, assistance_id: Id, after: After = 0) -> None:
    """Status, locations and chat of one assistance, both ways.

    The last fifty messages come first; with the id of the last one known as `?after=`, only newer ones.
    """
    interest = OneOrder(assistance_id, after=after)
    hear = _hearing(socket.app.state.database, assistance_id)
    await watch(socket, interest, AssistanceVoice(), hear=hear)


def render_request(news: News, _: Person) -> Mapping[str, Any] | None:
    """A new request: where about it is, and for whom; where exactly, whoever accepts is told."""
    if not isinstance(news, Offered) or news.offer.service not in words.TYPES:
        return None
    offer = news.offer
    lat, lng = areas.about(offer.lat, offer.lon)
    return {
        "type": "new_assistance_request",
        "assistance_id": offer.order_id,
        "pickup_location": {"lat": lat, "lng": lng},
        "client": {"id": offer.customer.id, "name": offer.customer.first_name},
        "assistance_type": words.TYPES[offer.service],
        "distance": None if offer.distance_m is None else round(offer.distance_m / 1000, 2),
        "until": offer.until_at,
    }


class AssistanceVoice:
    """Says a status once, however many changes have the same word here."""

    def __init__(self) -> None:
        self._said: tuple[str, int | None] | None = None

    def __call__(self, news: News, _: Person) -> Mapping[str, Any] | None:
        match news:
            case Changed(order, _):
                return self._status(order)
            case Moved():
                return {
                    "type": "location",
                    "lat": news.place.lat,
                    "lng": news.place.lon,
                    "user_id": news.who,
                    "at": news.place.at,
                    "age_s": news.age_s,
                    "stale": news.stale,
                    "eta_s": news.arrival.eta_s if news.arrival else None,
                }
            case Said(message, past):
                return {
                    "type": "chat",
                    "message": message.text,
                    "sender": message.sender.first_name,
                    "sender_id": message.sender.id,
                    "id": message.id,
                    "at": message.at,
                    "past": past,
                }
        return None

    def _status(self, order: OrderSight) -> Mapping[str, Any] | None:
        said = words.STATUS[order.state], order.driver.id if order.driver else None
        if said == self._said:
            return None
        self._said = said
        return {
            "type": "status",
            "status": said[0],
            "assistant": _named(order.driver),
            "client": _named(order.customer),
        }


def _named(someone: Someone | None) -> Mapping[str, Any] | None:
    return None if someone is None else {"id": someone.id, "name": someone.first_name}


def _hearing(database: Database, assistance_id: int) -> Hear[Onlooker]:
    async def hear(listener: Onlooker, text: str) -> None:
        try:
            said = _READ.validate_json(text)
            await asyncio.to_thread(_act, database, assistance_id, listener.person, said, datetime.now(UTC))
        except ValidationError as error:
            wrong = wrong_fields(error.errors())
            listener.tell({"type": "error", "message": "that cannot be read", "errors": wrong})
        except DomainError as refusal:
            listener.tell({"type": "error", "code": refusal.code, "message": refusal.message})
        except SQLAlchemyError as error:
            log.warning("nothing was kept", path="/ws/assistance/", error=type(error).__name__)
            listener.tell(
                {"type": "error", "code": "database_away", "message": "nothing was changed, please try again"}
            )

    return hear


def _act(
    database: Database, assistance_id: int, person: Person, said: LocationSaid | ChatSaid, at: datetime
) -> None:
    with database.transaction() as session:
        if isinstance(said, ChatSaid):
            chat.say(session, assistance_id, person, said.message, at=at)
            return
        if said.user_id not in (None, person.id):
            raise WrongField("user_id", "must be your own: nobody says where another is")
        chat.tell_place(session, assistance_id, person, lat=said.lat, lon=said.lng, at=at)
