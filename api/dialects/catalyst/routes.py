"""Registration for a token without an end, and the end of it."""

from fastapi import APIRouter, status

from api.accounts import api_tokens, service
from api.deps import AtEntrance, Now, WriteSession
from api.dialects.catalyst.callers import TokenCaller
from api.dialects.catalyst.schemas import CatalystRegistration, CatalystTokenOut

router = APIRouter(prefix="/users", tags=["catalyst"])


@router.post("/register/", status_code=status.HTTP_201_CREATED, response_model=CatalystTokenOut)
def register(body: CatalystRegistration, session: WriteSession, entrance: AtEntrance) -> CatalystTokenOut:
    """Create an account, and a token for it; no code is sent, for the contract has no place to show one."""
    entrance.admit(body.email)
    user = service.register_user(session, email=body.email, password=body.password)
    return CatalystTokenOut(token=api_tokens.issue(session, user.id, at=entrance.at))


@router.delete("/token/", status_code=status.HTTP_204_NO_CONTENT)
def revoke(caller: TokenCaller, session: WriteSession, at: Now) -> None:
    """End every token of the caller, the one shown included; not in the source, which has no end at all."""
    api_tokens.revoke_all(session, caller.id, at=at)
