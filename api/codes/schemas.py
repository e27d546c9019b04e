"""Codes, asked for and shown."""

from typing import Annotated

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, Field, ValidationInfo
from pydantic import field_validator as check

from api.accounts.emails import Email
from api.accounts.passwords import LONGEST, SHORTEST
from api.accounts.phones import Phone
from api.accounts.schemas import TokensOut, UserOut
from api.codes import rules
from api.schemas import Answer, Documented, Own
from db.states import CodePurpose


def _digits(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) == rules.DIGITS):
        raise ValueError(f"must be the {rules.DIGITS} digits that were sent")
    return text


def _text(code: object) -> object:
    """A program may take a code for a number."""
    if isinstance(code, int) and not isinstance(code, bool):
        return f"{code:0{rules.DIGITS}d}"
    return code.strip() if isinstance(code, str) else code


ShownCode = Annotated[
    str, Field(max_length=20, examples=["123456"]), BeforeValidator(_text), AfterValidator(_digits)
]
NewPassword = Annotated[str, Field(min_length=SHORTEST, max_length=LONGEST)]


class Whose(BaseModel):
    """One phone number or one email address."""

    phone_number: Phone | None = None
    email: Annotated[Email | None, Field(validate_default=True)] = None

    @check("email")
    @classmethod
    def _one(cls, email: str | None, info: ValidationInfo) -> str | None:
        if "phone_number" in info.data and (email is None) == (info.data["phone_number"] is None):
            raise ValueError("is required, or phone_number in its place; not both")
        return email

    @property
    def subject(self) -> str:
        """The one that was given."""
        given = self.phone_number or self.email
        assert given is not None
        return given


class CodeRequest(Own, Whose):
    """Somebody asks for a code."""

    purpose: CodePurpose


class CodeShown(Own, Whose):
    """Somebody has got a code."""

    code: ShownCode


class PasswordAnew(CodeShown):
    """Somebody has got a code and chose a password."""

    new_password: NewPassword


class CodeOnItsWay(Answer):
    """The same for everybody, known here or not."""

    expires_in_s: int = int(rules.LIFE.total_seconds())
    again_in_s: int = int(rules.AGAIN.total_seconds())


class Done(Answer):
    """What became of it, in words."""

    detail: str


class PasswordByPhone(Documented):
    """A password reset in one path: without the code one is sent, with it the password is set."""

    phone_number: Annotated[Phone, Field(validation_alias=AliasChoices("phone_number", "phone"))]
    new_password: Annotated[NewPassword, Field(validation_alias=AliasChoices("new_password", "password"))]
    code: ShownCode | None = None


class PhoneLogin(Documented):
    """Somebody asks to come in by a code to their phone."""

    phone_number: Annotated[Phone, Field(validation_alias=AliasChoices("phone", "phone_number"))]


class OtpShown(PhoneLogin):
    """Somebody comes in by the code."""

    code: Annotated[ShownCode, Field(validation_alias=AliasChoices("code", "otp", "otp_code"))]


class OtpTokens(TokensOut):
    """Logged in."""

    user: UserOut


class EmailGiven(Documented):
    """Whose password is to be reset."""

    email: Email


class EmailShown(EmailGiven):
    """The code that came by mail."""

    code: ShownCode


class PhoneShown(Documented):
    """The code that came to the phone."""

    phone_number: Phone
    code: ShownCode


class Resend(Documented):
    """A phone number, an email address, or both."""

    phone_number: Phone | None = None
    email: Annotated[Email | None, Field(validate_default=True)] = None

    @check("email")
    @classmethod
    def _any(cls, email: str | None, info: ValidationInfo) -> str | None:
        if email is None and info.data.get("phone_number", "") is None:
            raise ValueError("is required, or phone_number in its place")
        return email


class ResetConfirmed(EmailShown):
    """The code and the new password, said twice."""

    new_password: NewPassword
    new_password_confirm: Annotated[str, Field(max_length=LONGEST)]

    @check("new_password_confirm")
    @classmethod
    def _same(cls, confirmed: str, info: ValidationInfo) -> str:
        if "new_password" in info.data and confirmed != info.data["new_password"]:
            raise ValueError("must be the same as new_password")
        return confirmed
