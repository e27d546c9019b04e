"""Registration, login, refresh."""

from typing import Annotated

from fastapi import APIRouter, status
from pydantic import Discriminator, Tag

from api.accounts import service
from api.accounts.logins import Tokens
from api.accounts.schemas import Login, Refresh, Registration, RegistrationOut, TokensOut, UserOut
from api.codes.deps import AtCounter
from api.deps import AtEntrance, WriteSession
from api.dialects.evacuator import entry as evacuator
from api.dialects.evacuator.schemas import EvacuatorEntryOut, EvacuatorLogin, EvacuatorRegistration
from api.dialects.shapes import EVACUATOR, MDD, told_by

AnyRegistration = Annotated[
    Annotated[Registration, Tag(MDD)] | Annotated[EvacuatorRegistration, Tag(EVACUATOR)],
    Discriminator(
        told_by(
            evacuator={"phone", "password_confirm", "user_type", "first_name", "last_name"},
            mdd={"phone_number", "password2", "full_name"},
        )
    ),
]
AnyLogin = Annotated[
    Annotated[Login, Tag(MDD)] | Annotated[EvacuatorLogin, Tag(EVACUATOR)],
    Discriminator(told_by(evacuator={"phone"}, mdd={"phone_number"})),
]

router = APIRouter(prefix="/auth", tags=["accounts"])


@router.post(
    "/register/", status_code=status.HTTP_201_CREATED, response_model=RegistrationOut | EvacuatorEntryOut
)
def register(
    body: AnyRegistration, session: WriteSession, counter: AtCounter
) -> RegistrationOut | EvacuatorEntryOut:
    """Create an account, log it in and send its phone a code; the answer is in the words of the request."""
    if isinstance(body, EvacuatorRegistration):
        return evacuator.register(session, body, counter)
    counter.entrance.admit(body.phone_number)
    user = service.register_user(
        session, phone=body.phone_number, password=body.password, full_name=body.full_name
    )
    tokens = counter.welcome(session, user, user.phone)
    return RegistrationOut(user=UserOut.of(user), access=tokens.access, refresh=tokens.refresh)


@router.post("/login/", response_model=EvacuatorEntryOut | TokensOut)
def login(body: AnyLogin, entrance: AtEntrance) -> EvacuatorEntryOut | Tokens:
    """Come in with phone number and password; the answer is in the words of the request."""
    if isinstance(body, EvacuatorLogin):
        return evacuator.log_in(body, entrance)
    return entrance.log_in(body.phone_number, body.password)


@router.post("/refresh/", response_model=TokensOut)
def refresh(body: Refresh, entrance: AtEntrance) -> Tokens:
    """A new access token; `refresh` beside it may be kept in place of the old one, or ignored."""
    return entrance.stay_in(body.refresh)
