"""Candidates and assignments on the wire, at the paths that invo documents."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AliasChoices, Field

from api.schemas import Answer, Documented
from dispatch.matching.driver_rules import Reason
from dispatch.matching.drivers import Candidate

_Id = Annotated[int, Field(ge=1, le=2**63 - 1)]


class CandidateVehicle(Answer):
    """What a driver would come with."""

    id: int
    type: str
    name: str
    registration: str | None


class CandidatePlace(Answer):
    """Where a driver was last."""

    lat: float
    lon: float
    at: datetime
    age_s: int


class Share(Answer):
    """What a driver was given in the last seven days, the older the lighter."""

    offers: float
    accepts: float
    hours: float


class OrderCandidateOut(Answer):
    """A driver near an order: what speaks against asking them, and what their score is made of."""

    driver_id: int
    uuid: UUID
    full_name: str
    vehicle: CandidateVehicle | None
    place: CandidatePlace | None = Field(description="none: nobody knows where they are")
    distance_m: int | None
    eta_s: int | None
    excluded: list[Reason] = Field(description="why they are not asked; empty: they may be")
    score: float | None = Field(description="in seconds; the least is asked first")
    terms: dict[str, Any] = Field(description="what the score is made of")
    share: Share
    next: bool = Field(description="whether they would get the order, were it given away now")

    @classmethod
    def of(cls, who: Candidate, *, is_next: bool, at: datetime) -> "OrderCandidateOut":
        """As a dispatcher sees them."""
        place = None
        if who.place is not None and who.place_at is not None:
            lat, lon = who.place
            age_s = round((at - who.place_at).total_seconds())
            place = CandidatePlace(lat=lat, lon=lon, at=who.place_at, age_s=max(0, age_s))
        return cls(
            driver_id=who.driver_id,
            uuid=who.uuid,
            full_name=who.name,
            vehicle=None if who.vehicle is None else CandidateVehicle.model_validate(who.vehicle),
            place=place,
            distance_m=None if who.distance_m is None else round(who.distance_m),
            eta_s=None if who.score is None else who.score.eta_s,
            excluded=list(who.reasons),
            score=None if who.score is None else who.score.total_s,
            terms={} if who.score is None else who.score.terms,
            share=Share(
                offers=round(who.standing.offers, 2),
                accepts=round(who.standing.accepts, 2),
                hours=round(who.standing.hours, 2),
            ),
            next=is_next,
        )


class OrderCandidatesOut(Answer):
    """Who may be asked, the best first; then the others, the nearest first."""

    order: int
    items: list[OrderCandidateOut]


class Assignment(Documented):
    """To whom an order is given; who names nobody means the best candidate."""

    driver_id: Annotated[_Id | None, Field(validation_alias=AliasChoices("driver_id", "driver"))] = None
    vehicle_id: Annotated[_Id | None, Field(validation_alias=AliasChoices("vehicle_id", "vehicle"))] = None
