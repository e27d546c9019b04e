"""Invo's way in, by a code to the phone, and its way out."""

from fastapi import APIRouter

from api.accounts import sessions
from api.accounts.schemas import UserOut
from api.codes.deps import AtCounter
from api.codes.schemas import ON_ITS_WAY, Done
from api.deps import Caller, Now, WriteSession
from api.dialects.invo.schemas import InvoCode, InvoPhone, InvoTokensOut
from db.states import CodePurpose

router = APIRouter(prefix="/auth", tags=["invo"])


@router.post("/phone-login/", response_model=Done)
def phone_login(body: InvoPhone, counter: AtCounter) -> Done:
    """Have a code sent to the phone, to come in with."""
    counter.ask(CodePurpose.LOGIN, body.phone_number)
    return ON_ITS_WAY


@router.post("/verify-otp/", response_model=InvoTokensOut)
def verify_otp(body: InvoCode, counter: AtCounter) -> InvoTokensOut:
    """Come in with the code."""
    tokens = counter.log_in(body.phone_number, body.code)
    return InvoTokensOut(access=tokens.access, refresh=tokens.refresh, user=UserOut.of(tokens.owner))


@router.post("/logout/", response_model=Done)
def log_out(caller: Caller, session: WriteSession, at: Now) -> Done:
    """End the login that asks; its refresh token, which may be sent along, ends with it."""
    sessions.end_current(session, caller, at=at)
    return Done(detail="logged out")
