"""Codes, asked for and shown."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationInfo, field_validator

from api.accounts.emails import Email
from api.accounts.phones import Phone
from api.accounts.schemas import NewPassword
from api.codes import rules
from api.schemas import Answer, Own
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


class Whose(BaseModel):
    """One phone number or one email address."""

    phone_number: Phone | None = None
    email: Annotated[Email | None, Field(validate_default=True)] = None

    @field_validator("email")
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


ON_ITS_WAY = Done(detail="if this is known here, a code is on its way")
PASSWORD_SET = Done(detail="the new password is set; please log in")
VERIFIED = Done(detail="verified")
