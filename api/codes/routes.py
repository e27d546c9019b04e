"""Codes over our own API."""

from fastapi import APIRouter, status

from api.accounts.logins import Tokens
from api.accounts.schemas import TokensOut
from api.codes.deps import AtCounter
from api.codes.schemas import PASSWORD_SET, VERIFIED, CodeOnItsWay, CodeRequest, CodeShown, Done, PasswordAnew

router = APIRouter(prefix="/auth", tags=["codes"])


@router.post("/codes/", status_code=status.HTTP_202_ACCEPTED, response_model=CodeOnItsWay)
def ask(body: CodeRequest, counter: AtCounter) -> CodeOnItsWay:
    """Have a code sent by SMS or mail; the answer is the same for who is not known here."""
    counter.ask(body.purpose, body.subject)
    return CodeOnItsWay()


@router.post("/codes/login/", response_model=TokensOut)
def log_in(body: CodeShown, counter: AtCounter) -> Tokens:
    """Come in with a code for `login`."""
    return counter.log_in(body.subject, body.code)


@router.post("/codes/verify/", response_model=Done)
def verify(body: CodeShown, counter: AtCounter) -> Done:
    """Prove by a code for `verify` that a phone number or an email address is yours."""
    counter.verify(body.subject, body.code)
    return VERIFIED


@router.post("/codes/reset/", response_model=Done)
def reset(body: PasswordAnew, counter: AtCounter) -> Done:
    """Set a new password with a code for `reset`; every login of before ends."""
    counter.reset_password(body.subject, body.code, body.new_password)
    return PASSWORD_SET
