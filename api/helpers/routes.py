"""Being a helper: what one can do, where one is, what one is asked and answers."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, status

from api.deps import Caller, Dispatcher, Helper, Now, ReadSession, WriteSession
from api.helpers import service
from api.helpers.schemas import (
    CallOut,
    CallsOut,
    CandidateOut,
    CandidatesOut,
    HelperOut,
    HelperProfile,
    No,
    PlaceIn,
    WaveIn,
    WaveOut,
    Yes,
)
from api.sos.rights import require_seen, seen_by
from db import places
from dispatch.matching import candidates, waves
from dispatch.matching.waves import Choice
from dispatch.sos import calls, queries

router = APIRouter(tags=["helpers"])

VIA = "http"


@router.get("/helpers/me/", response_model=HelperOut)
def show_me(caller: Helper, session: ReadSession) -> HelperOut:
    """What one said of oneself as a helper."""
    return HelperOut.of(*service.get_profile(session, caller.id))


@router.put("/helpers/me/", response_model=HelperOut)
def put_me(body: HelperProfile, caller: Helper, session: WriteSession) -> HelperOut:
    """Say what one can do, how far one goes, and whether one may be asked now."""
    service.keep_profile(session, caller.id, body)
    return HelperOut.of(*service.get_profile(session, caller.id))


@router.put("/helpers/me/place/", status_code=status.HTTP_204_NO_CONTENT)
def put_place(body: PlaceIn, caller: Helper, session: WriteSession, at: Now) -> None:
    """Say where one is; who said so longer than three minutes ago is not near to anybody."""
    places.move(session, caller.id, lat=body.lat, lon=body.lon, accuracy_m=body.accuracy_m, at=at)


@router.get("/calls/", response_model=CallsOut)
def list_calls(
    caller: Caller, session: ReadSession, only_open: Annotated[bool, Query(alias="open")] = False
) -> CallsOut:
    """The newest 50 of one's own calls."""
    found = service.list_calls(session, caller.id, open_only=only_open)
    return CallsOut(items=[CallOut.of(call) for call in found])


@router.post("/calls/{call_id}/delivered/", response_model=CallOut)
def delivered(call_id: UUID, caller: Caller, session: WriteSession, at: Now) -> CallOut:
    """The phone has shown it: nobody need be told by SMS as well."""
    call = calls.deliver(session, call_id, by=caller.id, via=VIA, at=at)
    return CallOut.of(service.get_call(session, call))


@router.post("/calls/{call_id}/accept/", response_model=CallOut)
def accept(call_id: UUID, caller: Caller, session: WriteSession, at: Now, body: Yes | None = None) -> CallOut:
    """Go there; 409 `taken_care_of` where enough people do already."""
    call = calls.accept(session, call_id, by=caller.id, via=VIA, eta_s=(body or Yes()).eta_s, at=at)
    return CallOut.of(service.get_call(session, call))


@router.post("/calls/{call_id}/decline/", response_model=CallOut)
def decline(call_id: UUID, caller: Caller, session: WriteSession, at: Now, body: No | None = None) -> CallOut:
    """Not come; after a yes this is turning back."""
    call = calls.decline(session, call_id, by=caller.id, via=VIA, why=(body or No()).why, at=at)
    return CallOut.of(service.get_call(session, call))


@router.post("/calls/{call_id}/en-route/", response_model=CallOut)
def en_route(
    call_id: UUID, caller: Caller, session: WriteSession, at: Now, body: Yes | None = None
) -> CallOut:
    """One has set out; said again, it is a sign that one is coming."""
    call = calls.en_route(session, call_id, by=caller.id, eta_s=(body or Yes()).eta_s, at=at)
    return CallOut.of(service.get_call(session, call))


@router.post("/calls/{call_id}/on-scene/", response_model=CallOut)
def on_scene(call_id: UUID, caller: Caller, session: WriteSession, at: Now) -> CallOut:
    """One is there."""
    call = calls.on_scene(session, call_id, by=caller.id, at=at)
    return CallOut.of(service.get_call(session, call))


@router.post("/calls/{call_id}/withdraw/", response_model=CallOut)
def withdraw(
    call_id: UUID, caller: Caller, session: WriteSession, at: Now, body: No | None = None
) -> CallOut:
    """Turn back; where nobody else goes, others are asked."""
    call = calls.withdraw(session, call_id, by=caller.id, why=(body or No()).why, at=at)
    return CallOut.of(service.get_call(session, call))


@router.get("/incidents/{incident_id}/candidates/", response_model=CandidatesOut)
def list_candidates(
    incident_id: UUID, desk: Dispatcher, session: ReadSession, at: Now, wider: bool = False
) -> CandidatesOut:
    """The nearest helpers: who would be asked next, who not and why, and what is expected of each."""
    incident = queries.get_incident(session, incident_id, seen_by=seen_by(desk))
    found = candidates.list_candidates(session, incident, wider=wider, at=at)
    ready = [each for each in found if not each.reasons]
    wave = waves.choose([Choice(each, each.score.chance, each.score.worth_s) for each in ready])
    chosen = {choice.who.uuid for choice in wave}
    return CandidatesOut(
        joint_chance=round(waves.joint(choice.chance for choice in wave), 3),
        items=[CandidateOut.of(each, is_next=each.uuid in chosen) for each in found],
    )


@router.post("/incidents/{incident_id}/helpers/", response_model=WaveOut)
def ask_helpers(
    incident_id: UUID,
    desk: Dispatcher,
    session: WriteSession,
    at: Now,
    body: WaveIn | None = None,
) -> WaveOut:
    """Ask the next helpers now, whatever the escalation waits for."""
    require_seen(session, incident_id, desk)
    incident = queries.lock_incident(session, incident_id)
    return WaveOut(asked=calls.alert_wave(session, incident, wider=(body or WaveIn()).wider, at=at))
