"""Passengers on the wire."""

from typing import Annotated

from pydantic import Field, StringConstraints

from api.schemas import Answer, Own, Storable
from db.models import Passenger
from db.states import Need


class PassengerIn(Own):
    """What a passenger cannot ride without; it is asked for with each ride that is ordered by invo's app."""

    category: Annotated[
        str,
        StringConstraints(strip_whitespace=True, max_length=100),
        Field(description="of a disability, in their own words; told to nobody but the desk"),
        Storable,
    ] = ""
    needs: Annotated[list[Need], Field(max_length=len(Need))] = Field(default_factory=list)
    companion: Annotated[bool, Field(description="somebody rides along")] = False


class PassengerOut(Answer):
    """What a passenger said of themselves."""

    category: str
    needs: list[Need]
    companion: bool

    @classmethod
    def of(cls, said: Passenger | None) -> "PassengerOut":
        """Who said nothing yet needs nothing."""
        return cls(category="", needs=[], companion=False) if said is None else cls.model_validate(said)
