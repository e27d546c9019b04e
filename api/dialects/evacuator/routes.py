"""Evacuator's paths of its own."""

from fastapi import APIRouter

from api.accounts import logins, service
from api.accounts.logins import Tokens
from api.accounts.schemas import Refresh, TokensOut
from api.deps import Caller, Db, From, Now, ReadSession, Signing
from api.dialects.evacuator.schemas import EvacuatorUserOut

router = APIRouter(prefix="/auth", tags=["evacuator"])


@router.post("/token/refresh/", response_model=TokensOut)
def refresh(body: Refresh, database: Db, signer: Signing, client: From, at: Now) -> Tokens:
    """A new access token; `refresh` beside it may be kept in place of the old one, or ignored."""
    return logins.stay_in(database, refresh=body.refresh, client=client, signer=signer, at=at)


@router.get("/profile/", response_model=EvacuatorUserOut)
def profile(caller: Caller, session: ReadSession) -> EvacuatorUserOut:
    """The caller's own account."""
    return EvacuatorUserOut.of(service.get_user(session, caller.id))
