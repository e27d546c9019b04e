"""Offers on the wire, as their driver sees them and as a desk does."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from api.orders.schemas import OrderOut, PersonOut, Why
from api.schemas import Answer, Own
from db.models import OrderOffer
from db.states import OfferState

_PLAIN = (
    *("uuid", "state", "offered_at", "until_at", "answered_at", "answered_via", "why"),
    *("distance_m", "eta_s"),
)


class No(Own):
    """Why one does not come, if one says so."""

    why: Why | None = None


class AskedOut(Answer):
    """One driver who was asked, and what became of it."""

    uuid: UUID
    state: OfferState
    offered_at: datetime
    until_at: datetime = Field(description="when silence counts as a no")
    answered_at: datetime | None
    answered_via: str | None
    why: str | None
    distance_m: float | None = Field(description="from the driver to the pickup, when they were asked")
    eta_s: int | None


class OfferOut(AskedOut):
    """An order that one is asked to take; who it is for is told to the one who takes it."""

    id: str = Field(description="by which a phone answers over MQTT", examples=["o42"])
    order: OrderOut

    @classmethod
    def of(cls, offer: OrderOffer, order: OrderOut) -> "OfferOut":
        """As its driver sees it."""
        return cls(**{name: getattr(offer, name) for name in _PLAIN}, id=offer.frame_id, order=order)


class OffersOut(Answer):
    """The newest first."""

    items: list[OfferOut]


class AskedDriverOut(AskedOut):
    """The same with who was asked, and why just they."""

    driver: PersonOut
    score: float | None = Field(description="in seconds; the least is asked first")
    terms: dict[str, Any] = Field(description="what the score was made of")

    @classmethod
    def of(cls, offer: OrderOffer, driver: PersonOut) -> "AskedDriverOut":
        """As a desk sees it."""
        plain = {name: getattr(offer, name) for name in _PLAIN}
        return cls(**plain, driver=driver, score=offer.score, terms=offer.terms)


class AskedDriversOut(Answer):
    """In the order in which they were asked."""

    items: list[AskedDriverOut]
