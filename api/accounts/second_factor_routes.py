"""The second step of a login, and one's own authenticator app."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, status
from pydantic import Field

from api.accounts import second_factor, totp
from api.accounts.logins import Tokens
from api.accounts.schemas import TokensOut
from api.accounts.second_factor import Vault
from api.deps import Address, AtEntrance, Caller, Dispatcher, Now, Settings, TryCounts, WriteSession
from api.people import service
from api.schemas import Answer, Own

router = APIRouter(prefix="/auth", tags=["accounts"])


def _vault(settings: Settings) -> Vault:
    return Vault(settings.derive("second factors"))


Sealing = Annotated[Vault, Depends(_vault)]


class Code(Own):
    """What the app shows now, or a recovery code."""

    code: Annotated[str, Field(max_length=40, examples=["123456"])]


class SecondStep(Code):
    """The code, with the token that the first step answered."""

    second_step: Annotated[str, Field(max_length=1_000)]


class Enrolment(Answer):
    """The secret for the app, shown this once; `uri` is the same for a QR code."""

    secret: str
    uri: str


class RecoveryCodes(Answer):
    """For the day the app is lost; each is good once, and they are shown this once."""

    recovery_codes: Sequence[str]


@router.post("/login/second-step/", response_model=TokensOut)
def second_step(body: SecondStep, entrance: AtEntrance, vault: Sealing) -> Tokens:
    """Come in with a code, after login answered 401 `second_step_needed`."""
    return entrance.second_step(body.second_step, body.code, vault=vault)


@router.post("/me/totp/", status_code=status.HTTP_201_CREATED, response_model=Enrolment)
def enrol(caller: Dispatcher, session: WriteSession, vault: Sealing) -> Enrolment:
    """For staff: a secret for an authenticator app; it counts when it is confirmed."""
    user = service.lock_user(session, caller.uuid)
    secret = second_factor.enrol(session, user.id, vault=vault)
    account = user.phone or user.email or str(user.uuid)
    return Enrolment(secret=totp.in_base32(secret), uri=totp.uri(secret, account=account))


@router.post("/me/totp/confirm/", response_model=RecoveryCodes)
def confirm(body: Code, caller: Dispatcher, session: WriteSession, vault: Sealing, at: Now) -> RecoveryCodes:
    """Show that the app works; from now on its code is asked for at the login."""
    codes = second_factor.confirm(session, caller.id, body.code, vault=vault, at=at)
    return RecoveryCodes(recovery_codes=codes)


@router.post("/me/totp/remove/", status_code=status.HTTP_204_NO_CONTENT)
def take_away(
    body: Code,
    caller: Caller,
    session: WriteSession,
    vault: Sealing,
    tries: TryCounts,
    address: Address,
    at: Now,
) -> None:
    """Ask for no code any more, on a last one."""
    tries.spend(f"second step of {caller.uuid}", address, at=at)
    second_factor.take_away(session, caller.id, body.code, vault=vault, at=at)
