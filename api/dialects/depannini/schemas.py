"""People as depannini writes them, and where they are."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from api.dialects.depannini import words
from api.fleet.service import InPerson
from api.schemas import Answer, Documented


def _no_truth_value(said: Any) -> Any:
    if isinstance(said, bool):
        raise ValueError("must be a number")
    return said


NoTruthValue = BeforeValidator(_no_truth_value)
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), NoTruthValue]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), NoTruthValue]


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
    def of(cls, person: InPerson, *, photo: str | None) -> "DepanniniUserOut":
        """All of a person, as they themselves see it; `photo` is where it is to be fetched."""
        user, driver, place = person.user, person.driver, person.place
        return cls(
            id=user.id,
            email=user.email,
            name=user.full_name,
            phone_number=user.phone,
            profile_photo=photo,
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
