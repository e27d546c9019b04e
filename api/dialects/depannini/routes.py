"""Depannini's profiles and assistants."""

from fastapi import APIRouter

from api.deps import Caller, Driver, Now, ReadSession, WriteSession
from api.dialects.depannini import words
from api.dialects.depannini.schemas import (
    AssistantOut,
    AssistantStatus,
    AssistantStatusOut,
    DepanniniUserOut,
    Whereabouts,
    WhereaboutsOut,
)
from api.fleet import service as fleet
from api.people.deps import PhotoAddress
from db import places

_MOST_ASSISTANTS = 200

router = APIRouter(tags=["depannini"])


@router.get("/profile/user/", response_model=DepanniniUserOut)
def profile(caller: Caller, session: ReadSession, photo_of: PhotoAddress) -> DepanniniUserOut:
    """The caller's own account."""
    person = fleet.get_person(session, caller.id)
    return DepanniniUserOut.of(person, photo=photo_of(person.user))


@router.get("/profile/assistant/", response_model=DepanniniUserOut)
def assistant_profile(caller: Driver, session: ReadSession, photo_of: PhotoAddress) -> DepanniniUserOut:
    """The caller's own account, for assistants."""
    return profile(caller, session, photo_of)


@router.post("/profile/update-location/", response_model=WhereaboutsOut)
def update_location(body: Whereabouts, caller: Caller, session: WriteSession, at: Now) -> WhereaboutsOut:
    """Say where one is."""
    places.move(session, caller.id, lat=body.latitude, lon=body.longitude, at=at)
    return WhereaboutsOut(current_lat=body.latitude, current_lng=body.longitude)


@router.post("/profile/assistant-status/", response_model=AssistantStatusOut)
def assistant_status(
    body: AssistantStatus, caller: Driver, session: WriteSession, at: Now
) -> AssistantStatusOut:
    """Say whether one can be asked; 409 `licence_expired` where the licence is over."""
    fleet.set_online(session, caller.id, body.is_active, at=at)
    return AssistantStatusOut(is_active_assistant=body.is_active)


@router.get("/assistants/", response_model=list[AssistantOut])
def assistants(_: Caller, session: ReadSession, photo_of: PhotoAddress) -> list[DepanniniUserOut]:
    """Assistants who can be asked now; at most 200."""
    ready = fleet.list_available(session, list(words.SERVICES.values()), limit=_MOST_ASSISTANTS)
    return [DepanniniUserOut.of(each, photo=photo_of(each.user)) for each in ready]
