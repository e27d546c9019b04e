"""Accounts as invo writes them."""

from typing import Annotated

from pydantic import AliasChoices, Field

from api.accounts.phones import Phone
from api.accounts.schemas import TokensOut, UserOut
from api.codes.schemas import ShownCode
from api.schemas import Documented


class InvoPhone(Documented):
    """Somebody asks to come in by a code to their phone."""

    phone_number: Annotated[Phone, Field(validation_alias=AliasChoices("phone", "phone_number"))]


class InvoCode(InvoPhone):
    """Somebody comes in by the code."""

    code: Annotated[ShownCode, Field(validation_alias=AliasChoices("code", "otp", "otp_code"))]


class InvoTokensOut(TokensOut):
    """Logged in."""

    user: UserOut
