"""Depannini's ways in: registration, logins, proofs of phone and email, a forgotten password."""

from fastapi import APIRouter, status

from api.accounts import google
from api.accounts.logins import Tokens
from api.accounts.schemas import Refresh, TokensOut
from api.codes.deps import AtCounter
from api.codes.schemas import ON_ITS_WAY, PASSWORD_SET, VERIFIED, Done
from api.deps import AtEntrance, GoogleWay, WriteSession
from api.dialects.depannini import service
from api.dialects.depannini.entry_schemas import (
    DepanniniRegistration,
    DepanniniRegistrationOut,
    EmailGiven,
    EmailLogin,
    EmailShown,
    GoogleLogin,
    PhoneLogin,
    PhoneShown,
    Resend,
    ResetConfirmed,
)
from api.dialects.depannini.schemas import DepanniniUserOut
from api.fleet import service as fleet
from db.states import CodePurpose

router = APIRouter(prefix="/auth", tags=["depannini"])


@router.post("/register/", status_code=status.HTTP_201_CREATED, response_model=DepanniniRegistrationOut)
def register(
    body: DepanniniRegistration, session: WriteSession, counter: AtCounter
) -> DepanniniRegistrationOut:
    """Create an account, log it in and send a code to its phone, and one to its email."""
    counter.entrance.admit(body.phone_number)
    user = service.register(session, body, at=counter.entrance.at)
    tokens = counter.welcome(session, user, user.phone, user.email)
    said = DepanniniUserOut.of(fleet.get_person(session, user.id), photo=None)
    return DepanniniRegistrationOut(user=said, access=tokens.access, refresh=tokens.refresh)


@router.post("/login/email/", response_model=TokensOut)
def login_by_email(body: EmailLogin, entrance: AtEntrance) -> Tokens:
    """Come in with email and password."""
    return entrance.log_in(body.email, body.password)


@router.post("/login/phone/", response_model=TokensOut)
def login_by_phone(body: PhoneLogin, entrance: AtEntrance) -> Tokens:
    """Come in with phone number and password."""
    return entrance.log_in(body.phone_number, body.password)


@router.post("/login/google/", response_model=TokensOut)
def login_with_google(body: GoogleLogin, way: GoogleWay, entrance: AtEntrance) -> Tokens:
    """Come in with Google; who was never here is registered as a client."""
    vouched = way.read(body.token)  # before the transaction: no connection waits for Google
    with entrance.database.transaction() as session:
        user = google.find_or_register(session, vouched, at=entrance.at)
        return entrance.begin(session, user)


@router.post("/token/refresh/", response_model=TokensOut)
def refresh(body: Refresh, entrance: AtEntrance) -> Tokens:
    """A new access token; `refresh` beside it may be kept in place of the old one, or ignored."""
    return entrance.stay_in(body.refresh)


@router.post("/verify-email/", response_model=Done)
def verify_email(body: EmailShown, counter: AtCounter) -> Done:
    """Prove that the email address is yours."""
    counter.verify(body.email, body.code)
    return VERIFIED


@router.post("/verify-phone/", response_model=Done)
def verify_phone(body: PhoneShown, counter: AtCounter) -> Done:
    """Prove that the phone number is yours."""
    counter.verify(body.phone_number, body.code)
    return VERIFIED


@router.post("/resend-verification/", response_model=Done)
def resend_verification(body: Resend, counter: AtCounter) -> Done:
    """Have a code sent again, to prove the phone number or the email address with."""
    for subject in filter(None, (body.phone_number, body.email)):
        counter.ask(CodePurpose.VERIFY, subject)
    return ON_ITS_WAY


@router.post("/password-reset/", response_model=Done)
def password_reset(body: EmailGiven, counter: AtCounter) -> Done:
    """Have a code sent by mail, to set a new password with."""
    counter.ask(CodePurpose.RESET, body.email)
    return ON_ITS_WAY


@router.post("/password-reset/confirm/", response_model=Done)
def confirm_password_reset(body: ResetConfirmed, counter: AtCounter) -> Done:
    """Set the new password with the code; every login of before ends."""
    counter.reset_password(body.email, body.code, body.new_password)
    return PASSWORD_SET
