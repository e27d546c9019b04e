"""Tow trucks as evacuator writes them."""

from datetime import datetime
from typing import Annotated

from pydantic import AliasChoices, Field

from api.dialects import names
from api.fleet.schemas import PlaceOut
from api.fleet.service import InPerson
from api.helpers.schemas import Latitude, Longitude
from api.schemas import Answer, Documented
from db.models import Vehicle


class LocationIn(Documented):
    """Where a driver is."""

    latitude: Annotated[Latitude, Field(validation_alias=AliasChoices("latitude", "lat"))]
    longitude: Annotated[Longitude, Field(validation_alias=AliasChoices("longitude", "lon", "lng"))]


class LocationOut(Answer):
    """Where a driver is known to be."""

    latitude: float
    longitude: float


class MovedOut(Answer):
    """A location, and since when."""

    location: LocationOut
    updated_at: datetime


class TowDriverOut(Answer):
    """Who drives it; a customer has the number once this one comes to them."""

    id: int
    first_name: str


class TowTruckOut(Answer):
    """A tow truck that can be asked; a location older than three minutes is stale."""

    id: int
    driver: TowDriverOut
    model: str
    license_plate: str | None
    capacity: int | None = Field(description="in kilograms")
    is_available: bool
    location: LocationOut | None
    updated_at: datetime | None
    stale: bool

    @classmethod
    def of(cls, person: InPerson, truck: Vehicle, *, at: datetime) -> "TowTruckOut":
        """With its driver."""
        place = PlaceOut.of(person.place, at=at) if person.place else None
        return cls(
            id=truck.id,
            driver=TowDriverOut(id=person.user.id, first_name=names.split(person.user.full_name)[0]),
            model=truck.name or truck.type,
            license_plate=truck.registration,
            capacity=truck.payload_kg,
            is_available=True,
            location=LocationOut(latitude=place.lat, longitude=place.lon) if place else None,
            updated_at=place.at if place else None,
            stale=place.stale if place else True,
        )
