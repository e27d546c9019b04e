"""Depannini's ways in, profiles and assistants."""

from fastapi import APIRouter, status

from api.accounts import google
from api.accounts.logins import Tokens
from api.accounts.schemas import Refresh, TokensOut
from api.deps import AtEntrance, Caller, Driver, GoogleWay, Now, ReadSession, WriteSession
from api.dialects.depannini import service, words
from api.dialects.depannini.schemas import (
    AssistantOut,
    AssistantStatus,
    AssistantStatusOut,
    DepanniniRegistration,
    DepanniniRegistrationOut,
    DepanniniUserOut,
    EmailLogin,
    GoogleLogin,
    PhoneLogin,
    Whereabouts,
    WhereaboutsOut,
)
from api.fleet import service as fleet

_MOST_ASSISTANTS = 200

router = APIRouter(tags=["depannini"])


@router.post("/auth/register/", status_code=status.HTTP_201_CREATED, response_model=DepanniniRegistrationOut)
def register(
    body: DepanniniRegistration, session: WriteSession, entrance: AtEntrance
) -> DepanniniRegistrationOut:
    """Create an account and log it in."""
    user = service.register(session, body, at=entrance.at)
    tokens = entrance.begin(session, user)
    said = DepanniniUserOut.of(fleet.get_person(session, user.id))
    return DepanniniRegistrationOut(user=said, access=tokens.access, refresh=tokens.refresh)


@router.post("/auth/login/email/", response_model=TokensOut)
def login_by_email(body: EmailLogin, entrance: AtEntrance) -> Tokens:
    """Come in with email and password."""
    return entrance.log_in(body.email, body.password)


@router.post("/auth/login/phone/", response_model=TokensOut)
def login_by_phone(body: PhoneLogin, entrance: AtEntrance) -> Tokens:
    """Come in with phone number and password."""
    return entrance.log_in(body.phone_number, body.password)


@router.post("/auth/login/google/", response_model=TokensOut)
def login_with_google(body: GoogleLogin, way: GoogleWay, entrance: AtEntrance) -> Tokens:
    """Come in with Google; who was never here is registered as a client."""
    vouched = way.read(body.token)  # before the transaction: no connection waits for Google
    with entrance.database.transaction() as session:
        user = google.find_or_register(session, vouched, at=entrance.at)
        return entrance.begin(session, user)


@router.post("/auth/token/refresh/", response_model=TokensOut)
def refresh(body: Refresh, entrance: AtEntrance) -> Tokens:
    """A new access token; `refresh` beside it may be kept in place of the old one, or ignored."""
    return entrance.stay_in(body.refresh)


@router.get("/profile/user/", response_model=DepanniniUserOut)
def profile(caller: Caller, session: ReadSession) -> DepanniniUserOut:
    """The caller's own account."""
    return DepanniniUserOut.of(fleet.get_person(session, caller.id))


@router.get("/profile/assistant/", response_model=DepanniniUserOut)
def assistant_profile(caller: Driver, session: ReadSession) -> DepanniniUserOut:
    """The caller's own account, for assistants."""
    return DepanniniUserOut.of(fleet.get_person(session, caller.id))


@router.post("/profile/update-location/", response_model=WhereaboutsOut)
def update_location(body: Whereabouts, caller: Caller, session: WriteSession, at: Now) -> WhereaboutsOut:
    """Say where one is."""
    fleet.move(session, caller.id, lat=body.latitude, lon=body.longitude, at=at)
    return WhereaboutsOut(current_lat=body.latitude, current_lng=body.longitude)


@router.post("/profile/assistant-status/", response_model=AssistantStatusOut)
def assistant_status(body: AssistantStatus, caller: Driver, session: WriteSession) -> AssistantStatusOut:
    """Say whether one can be asked."""
    fleet.set_online(session, caller.id, body.is_active)
    return AssistantStatusOut(is_active_assistant=body.is_active)


@router.get("/assistants/", response_model=list[AssistantOut])
def assistants(_: Caller, session: ReadSession) -> list[DepanniniUserOut]:
    """Assistants who can be asked now; at most 200."""
    ready = fleet.list_available(session, list(words.SERVICES.values()), limit=_MOST_ASSISTANTS)
    return [DepanniniUserOut.of(each) for each in ready]
