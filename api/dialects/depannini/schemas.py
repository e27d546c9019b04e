"""Accounts as depannini writes them."""

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
from api.accounts.passwords import SHORTEST
from api.accounts.phones import Phone
from api.accounts.schemas import Password, TokensOut
from api.dialects.depannini import words
from api.dialects.shapes import ASSISTANT, CLIENT
from api.fleet.service import InPerson
from api.schemas import Answer, Documented, Storable

_LARGEST = 2**63 - 1


def _read_day(text: Any) -> date:
    try:
        if not isinstance(text, str):
            raise ValueError
        return words.read_day(text)
    except ValueError:
        raise ValueError("must be a day written dd:mm:yy, such as 31:12:29") from None


def _none_given(said: Any) -> Any:
    return None if said == "" else said


def _no_truth_value(said: Any) -> Any:
    if isinstance(said, bool):
        raise ValueError("must be a number")
    return said


NoTruthValue = BeforeValidator(_no_truth_value)
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), NoTruthValue]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), NoTruthValue]

Absent = BeforeValidator(_none_given)
"""Forms send what was left empty as an empty text."""

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), Storable]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50), Storable]


class ClientRegistration(Documented):
    """Somebody new who may need help."""

    phone_number: Phone
    email: Annotated[Email | None, Absent] = None
    name: Line
    password: Annotated[Password, Field(min_length=SHORTEST)]
    password_confirm: Password
    user_type: Literal["client", "assistant"]
    current_lat: Annotated[Latitude | None, Absent] = None
    current_lng: Annotated[Longitude | None, Absent] = None
    address: Annotated[Line | None, Absent] = None

    @field_validator("password_confirm")
    @classmethod
    def _same(cls, password_confirm: str, info: ValidationInfo) -> str:
        if "password" in info.data and password_confirm != info.data["password"]:
            raise ValueError("must be the same as password")
        return password_confirm


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


class DepanniniUserOut(Answer):
    """A person; what only assistants have is null for a client."""

    id: int
    email: str | None
    name: str
    phone_number: str | None
    profile_photo: str | None
    address: str | None
    current_lat: float | None
    current_lng: float | None
    user_type: str
    service_type: str | None
    vehicle_type: str | None
    is_active_assistant: bool
    driving_license_cat: str | None
    driving_license_num: str | None
    driving_license_expiry: str | None
    vehicle_registration_num: int | None

    @classmethod
    def of(cls, person: InPerson) -> "DepanniniUserOut":
        """All of a person, as they themselves see it."""
        user, driver, place = person.user, person.driver, person.place
        return cls(
            id=user.id,
            email=user.email,
            name=user.full_name,
            phone_number=user.phone,
            profile_photo=None,
            address=user.address or None,
            current_lat=place.lat if place else None,
            current_lng=place.lon if place else None,
            user_type=words.user_type(person),
            service_type=words.service_type(person),
            vehicle_type=person.vehicle.type if person.vehicle else None,
            is_active_assistant=driver.online if driver else False,
            driving_license_cat=driver.licence_category if driver else None,
            driving_license_num=driver.licence_number if driver else None,
            driving_license_expiry=words.write_day(driver.licence_expires_on if driver else None),
            vehicle_registration_num=words.registration_number(person),
        )


class DepanniniRegistrationOut(TokensOut):
    """The new account, logged in."""

    user: DepanniniUserOut


class AssistantOut(Answer):
    """An assistant as those who may need one see them: no papers, no private address."""

    id: int
    name: str
    phone_number: str | None
    profile_photo: str | None
    current_lat: float | None
    current_lng: float | None
    user_type: str
    service_type: str | None
    vehicle_type: str | None
    is_active_assistant: bool


class Whereabouts(Documented):
    """Where the caller is."""

    latitude: Latitude
    longitude: Longitude


class WhereaboutsOut(Answer):
    """Where the caller is known to be."""

    current_lat: float
    current_lng: float


class AssistantStatus(Documented):
    """Whether the caller can be asked."""

    is_active: bool


class AssistantStatusOut(Answer):
    """Whether the caller can be asked, as it stands."""

    is_active_assistant: bool
