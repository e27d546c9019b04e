"""One's own phone number, and another in its place."""

from typing import Annotated

from fastapi import APIRouter, status
from pydantic import Field, ValidationInfo, field_validator

from api.accounts.phones import Phone
from api.accounts.schemas import Password
from api.codes.deps import AtCounter
from api.codes.schemas import CodeOnItsWay, ShownCode
from api.deps import Caller
from api.people import phone_change
from api.people.schemas import AccountOut
from api.schemas import Own

router = APIRouter(prefix="/auth/me/phone", tags=["accounts"])


class NewPhone(Own):
    """The new number, with the password; or with a code for `verify` that the present number was sent.

    Who has no number yet shows a code that came by mail.
    """

    phone_number: Phone
    password: Password | None = None
    code: Annotated[ShownCode | None, Field(validate_default=True)] = None

    @field_validator("code")
    @classmethod
    def _one(cls, code: str | None, info: ValidationInfo) -> str | None:
        if "password" in info.data and (code is None) == (info.data["password"] is None):
            raise ValueError("is required, or password in its place; not both")
        return code


class NewPhoneProven(Own):
    """The new number, and the code that it was sent."""

    phone_number: Phone
    code: ShownCode


@router.post("/", status_code=status.HTTP_202_ACCEPTED, response_model=CodeOnItsWay)
def ask(body: NewPhone, caller: Caller, counter: AtCounter) -> CodeOnItsWay:
    """Have a code sent to another phone number; until it is shown, nothing changes."""
    phone_change.ask(counter, caller, body.phone_number, password=body.password, code=body.code)
    return CodeOnItsWay()


@router.post("/confirm/", response_model=AccountOut)
def confirm(body: NewPhoneProven, caller: Caller, counter: AtCounter) -> AccountOut:
    """Show the code that the new number was sent: it is one's own now, and the former one is told by SMS."""
    return AccountOut.of(phone_change.confirm(counter, caller, body.phone_number, body.code))
