"""Evacuator's paths of its own."""

from fastapi import APIRouter

from api.accounts import service
from api.accounts.logins import Tokens
from api.accounts.schemas import Refresh, TokensOut
from api.deps import AtEntrance, Caller, ReadSession
from api.dialects.evacuator.schemas import EvacuatorUserOut

router = APIRouter(prefix="/auth", tags=["evacuator"])


@router.post("/token/refresh/", response_model=TokensOut)
def refresh(body: Refresh, entrance: AtEntrance) -> Tokens:
    """A new access token; `refresh` beside it may be kept in place of the old one, or ignored."""
    return entrance.stay_in(body.refresh)


@router.get("/profile/", response_model=EvacuatorUserOut)
def profile(caller: Caller, session: ReadSession) -> EvacuatorUserOut:
    """The caller's own account."""
    return EvacuatorUserOut.of(service.get_user(session, caller.id))
