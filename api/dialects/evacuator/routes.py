"""Evacuator's paths of its own."""

from fastapi import APIRouter, Response, status

from api.accounts.logins import Tokens
from api.accounts.schemas import Refresh, TokensOut
from api.codes.deps import AtCounter
from api.codes.schemas import PASSWORD_SET, Done
from api.deps import AtEntrance, Caller, ReadSession
from api.dialects.evacuator.schemas import EvacuatorUserOut, PasswordByPhone
from api.people import service
from db.states import CodePurpose

router = APIRouter(prefix="/auth", tags=["evacuator"])


@router.post("/token/refresh/", response_model=TokensOut)
def refresh(body: Refresh, entrance: AtEntrance) -> Tokens:
    """A new access token; `refresh` beside it may be kept in place of the old one, or ignored."""
    return entrance.stay_in(body.refresh)


@router.get("/profile/", response_model=EvacuatorUserOut)
def profile(caller: Caller, session: ReadSession) -> EvacuatorUserOut:
    """The caller's own account."""
    return EvacuatorUserOut.of(service.get_user(session, caller.uuid))


@router.post("/password/reset/", response_model=Done)
def reset_by_phone(body: PasswordByPhone, counter: AtCounter, response: Response) -> Done:
    """Set a new password with the code from the phone; without `code` one is sent and nothing is changed."""
    if body.code is None:
        counter.ask(CodePurpose.RESET, body.phone_number)
        response.status_code = status.HTTP_202_ACCEPTED
        return Done(detail="a code was sent to the phone; send the same again with it as code")
    counter.reset_password(body.phone_number, body.code, body.new_password)
    return PASSWORD_SET
