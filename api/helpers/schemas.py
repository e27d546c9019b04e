"""Helpers, their calls, and candidates, on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field

from api.accounts.phones import normalise
from api.schemas import Answer, Documented, Own, Storable
from db.models import Helper, HelperCall
from db.states import CallState, IncidentState, Skill
from dispatch.matching.candidates import Candidate
from dispatch.matching.rules import LEAST_RADIUS_M, MOST_RADIUS_M, Reason

Latitude = Annotated[float, Field(ge=-90, le=90, examples=[41.311081])]
Longitude = Annotated[float, Field(ge=-180, le=180, examples=[69.240562])]
Text = Annotated[str, Field(max_length=200), Storable]
Seconds = Annotated[int, Field(ge=0, le=86_400)]


class HelperProfile(Own):
    """What a helper can do, how far they go, and whether they may be asked now."""

    skills: Annotated[list[Skill], Field(max_length=len(Skill))]
    radius_m: Annotated[int, Field(ge=LEAST_RADIUS_M, le=MOST_RADIUS_M, examples=[3_000])]
    available: bool
    regions: Annotated[
        list[Annotated[str, Field(max_length=63), Storable]] | None,
        Field(max_length=100, description="where they go; null means anywhere"),
    ] = None


class HelperOut(Answer):
    """A helper as they said; who said nothing yet is not available."""

    skills: list[Skill] = Field(default_factory=list)
    radius_m: int = 3_000
    available: bool = False
    regions: list[str] | None = None
    place_at: datetime | None = Field(None, description="when it was last known where they are")

    @classmethod
    def of(cls, helper: Helper | None, place_at: datetime | None) -> "HelperOut":
        """With when they were last seen."""
        said = cls() if helper is None else cls.model_validate(helper, from_attributes=True)
        return said.model_copy(update={"place_at": place_at})


class PlaceIn(Own):
    """Where a helper is."""

    lat: Latitude
    lon: Longitude
    accuracy_m: Annotated[float | None, Field(ge=0, le=1_000_000)] = None


class Yes(Own):
    """When they will be there, if they say so."""

    eta_s: Seconds | None = None


class No(Own):
    """Why they do not come, if they say so."""

    why: Text | None = None


class CallPlace(Answer):
    lat: float
    lon: float


class CallOut(Answer):
    """One time a helper is asked to come; name and place are theirs to know while they are needed."""

    uuid: UUID
    incident: UUID
    state: CallState
    type: str
    exercise: bool
    asked_at: datetime
    until_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    why: str | None
    distance_m: float | None
    eta_s: int | None
    name: str | None
    place: CallPlace | None

    @classmethod
    def of(cls, call: HelperCall) -> "CallOut":
        """As its helper may see it."""
        incident = call.incident
        needed = call.ended_at is None and incident.state != IncidentState.RESOLVED
        place = None
        if needed and incident.lat is not None and incident.lon is not None:
            place = CallPlace(lat=incident.lat, lon=incident.lon)
        wearer = incident.wearer
        return cls(
            **{name: getattr(call, name) for name in _OF_THE_CALL},
            incident=incident.id,
            type=incident.type,
            exercise=incident.exercise,
            name=wearer.first_name if wearer and needed else None,
            place=place,
        )


_OF_THE_CALL = (
    *("uuid", "state", "asked_at", "until_at", "answered_at", "ended_at"),
    *("why", "distance_m", "eta_s"),
)


class CallsOut(Answer):
    """The newest first."""

    items: list[CallOut]


class CandidateOut(Answer):
    """A helper near an incident: what speaks against asking them, and what is expected of them."""

    uuid: UUID
    full_name: str
    skills: list[str]
    place_at: datetime
    distance_m: float
    excluded: list[Reason] = Field(description="why they are not asked; empty: they may be")
    chance: float = Field(description="that they say yes")
    eta_s: int
    terms: dict[str, Any] = Field(description="what chance and eta are made of")
    next: bool = Field(description="whether they are of those who would be asked next")

    @classmethod
    def of(cls, who: Candidate, *, is_next: bool) -> "CandidateOut":
        """As a dispatcher sees them."""
        return cls(
            uuid=who.uuid,
            full_name=who.name,
            skills=list(who.skills),
            place_at=who.place_at,
            distance_m=round(who.distance_m, 1),
            excluded=list(who.reasons),
            chance=who.score.chance,
            eta_s=who.score.eta_s,
            terms=who.score.terms,
            next=is_next,
        )


class CandidatesOut(Answer):
    """The nearest first."""

    joint_chance: float = Field(description="that one of those who would be asked next says yes")
    items: list[CandidateOut]


class WaveIn(Own):
    """Whom to ask: those near by, or all of the wider ring."""

    wider: bool = False


class WaveOut(Answer):
    asked: int = Field(description="how many were asked now; 0: nobody is left, or enough are coming")


def _phone(text: str) -> str:
    return normalise(text if text.startswith("+") else f"+{text.strip()}")


class SmsIn(Documented):
    """An SMS that somebody sent to us."""

    sender: Annotated[
        str, Field(validation_alias="from", max_length=40, examples=["+998901234567"]), AfterValidator(_phone)
    ]
    body: Annotated[str, Field(validation_alias="text", max_length=2_000, examples=["YES 4711"]), Storable]


class SmsOut(Answer):
    """What became of it; a gateway that can may send `detail` back."""

    taken: bool
    detail: str
