"""Coming in, and proving who one is, as depannini writes it."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationInfo,
    field_validator,
)

from api.accounts.emails import Email
from api.accounts.phones import Phone
from api.accounts.schemas import NewPassword, Password, TokensOut, same_as
from api.codes.schemas import ShownCode
from api.dialects.depannini import words
from api.dialects.depannini.schemas import DepanniniUserOut, Latitude, Longitude, NoTruthValue
from api.dialects.forms import Absent
from api.dialects.shapes import ASSISTANT, CLIENT
from api.schemas import Documented, Storable

_LARGEST = 2**63 - 1

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Storable]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), Storable]


def _read_day(text: Any) -> date:
    try:
        if not isinstance(text, str):
            raise ValueError
        return words.read_day(text)
    except ValueError:
        raise ValueError("must be a day written dd:mm:yy, such as 31:12:29") from None


class ClientRegistration(Documented):
    """Somebody new who may need help."""

    phone_number: Phone
    email: Annotated[Email | None, Absent] = None
    name: Line
    password: NewPassword
    password_confirm: Annotated[Password, same_as("password")]
    user_type: Literal["client", "assistant"]
    current_lat: Annotated[Latitude | None, Absent] = None
    current_lng: Annotated[Longitude | None, Absent] = None
    address: Annotated[Line | None, Absent] = None


class AssistantRegistration(ClientRegistration):
    """Somebody new who comes to help: who they are, what they may drive and where they are."""

    service_type: Literal["towing", "repair"]
    vehicle_type: Short
    driving_license_cat: Literal["c", "b"]
    driving_license_num: Short
    driving_license_expiry: Annotated[
        date, BeforeValidator(_read_day, json_schema_input_type=str), Field(examples=["31:12:29"])
    ]
    vehicle_registration_num: Annotated[int, Field(ge=1, le=_LARGEST), NoTruthValue]
    current_lat: Latitude
    current_lng: Longitude


def _shape(body: Any) -> str:
    said = body.get("user_type") if isinstance(body, dict) else getattr(body, "user_type", None)
    return ASSISTANT if said == "assistant" else CLIENT


DepanniniRegistration = Annotated[
    Annotated[ClientRegistration, Tag(CLIENT)] | Annotated[AssistantRegistration, Tag(ASSISTANT)],
    Discriminator(_shape),
]


class EmailLogin(Documented):
    """Somebody who was here before, by email."""

    email: Email
    password: Password


class PhoneLogin(Documented):
    """Somebody who was here before, by phone."""

    phone_number: Phone
    password: Password


class GoogleLogin(Documented):
    """An id token that Google made for one of our applications."""

    token: Annotated[str, Field(max_length=8192)]


class DepanniniRegistrationOut(TokensOut):
    """The new account, logged in."""

    user: DepanniniUserOut


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

    @field_validator("email")
    @classmethod
    def _any(cls, email: str | None, info: ValidationInfo) -> str | None:
        if email is None and info.data.get("phone_number", "") is None:
            raise ValueError("is required, or phone_number in its place")
        return email


class ResetConfirmed(EmailShown):
    """The code and the new password, said twice."""

    new_password: NewPassword
    new_password_confirm: Annotated[Password, same_as("new_password")]
