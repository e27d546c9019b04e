"""Codes as the documented contracts under /api/auth/ have them."""

from fastapi import APIRouter

from api.accounts.schemas import UserOut
from api.codes.deps import AtCounter
from api.codes.schemas import (
    Done,
    EmailGiven,
    EmailShown,
    OtpShown,
    OtpTokens,
    PhoneLogin,
    PhoneShown,
    Resend,
    ResetConfirmed,
)
from db.states import CodePurpose

router = APIRouter(prefix="/api/auth", tags=["codes"])

_SENT = Done(detail="if this is known here, a code is on its way")


@router.post("/phone-login/", response_model=Done)
def phone_login(body: PhoneLogin, counter: AtCounter) -> Done:
    """Have a code sent to the phone, to come in with."""
    counter.ask(CodePurpose.LOGIN, body.phone_number)
    return _SENT


@router.post("/verify-otp/", response_model=OtpTokens)
def verify_otp(body: OtpShown, counter: AtCounter) -> OtpTokens:
    """Come in with the code."""
    tokens = counter.log_in(body.phone_number, body.code)
    return OtpTokens(access=tokens.access, refresh=tokens.refresh, user=UserOut.of(tokens.owner))


@router.post("/verify-email/", response_model=Done)
def verify_email(body: EmailShown, counter: AtCounter) -> Done:
    """Prove that the email address is yours."""
    counter.verify(body.email, body.code)
    return Done(detail="verified")


@router.post("/verify-phone/", response_model=Done)
def verify_phone(body: PhoneShown, counter: AtCounter) -> Done:
    """Prove that the phone number is yours."""
    counter.verify(body.phone_number, body.code)
    return Done(detail="verified")


@router.post("/resend-verification/", response_model=Done)
def resend_verification(body: Resend, counter: AtCounter) -> Done:
    """Have a code sent again, to prove the phone number or the email address with."""
    for subject in filter(None, (body.phone_number, body.email)):
        counter.ask(CodePurpose.VERIFY, subject)
    return _SENT


@router.post("/password-reset/", response_model=Done)
def password_reset(body: EmailGiven, counter: AtCounter) -> Done:
    """Have a code sent by mail, to set a new password with."""
    counter.ask(CodePurpose.RESET, body.email)
    return _SENT


@router.post("/password-reset/confirm/", response_model=Done)
def confirm_password_reset(body: ResetConfirmed, counter: AtCounter) -> Done:
    """Set the new password with the code; every login of before ends."""
    counter.reset_password(body.email, body.code, body.new_password)
    return Done(detail="the new password is set; please log in")
