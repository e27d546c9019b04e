"""Depannini's words for ours."""

from datetime import date

from api.fleet.service import InPerson
from db.states import OrderState, Role, Service
from dispatch.orders import rules

SERVICES = {"towing": Service.TOW, "repair": Service.REPAIR}
TYPES = {service: word for word, service in SERVICES.items()}

STATUS = (
    dict.fromkeys(rules.WAITING, "requested")
    | dict.fromkeys(rules.TAKEN, "accepted")
    | dict.fromkeys(rules.ENDED, "canceled")
    | {OrderState.IN_PROGRESS: "ongoing", OrderState.COMPLETED: "completed"}
)
STATES = {
    "ongoing": OrderState.IN_PROGRESS,
    "completed": OrderState.COMPLETED,
    "canceled": OrderState.CANCELLED,
}
"""What may be said of an assistance."""


def user_type(person: InPerson) -> str:
    """`assistant` for a driver."""
    drives = any(each.role is Role.DRIVER for each in person.user.granted)
    return "assistant" if drives else "client"


def service_type(person: InPerson) -> str | None:
    """The first of a driver's services that this contract has a word for."""
    offered = person.driver.services if person.driver else []
    return next((word for word, service in SERVICES.items() if service in offered), None)


def registration_number(person: InPerson) -> int | None:
    """A registration that is a number; the contract knows no other."""
    shown = person.vehicle.registration if person.vehicle else None
    return int(shown) if shown and shown.isascii() and shown.isdigit() else None


def read_day(text: str) -> date:
    """A day of this century, written dd:mm:yy."""
    parts = text.split(":")
    if len(parts) != 3 or not all(len(part) == 2 and part.isascii() and part.isdigit() for part in parts):
        raise ValueError
    day, month, year = map(int, parts)
    return date(2000 + year, month, day)


def write_day(day: date | None) -> str | None:
    """The same way back."""
    return day.strftime("%d:%m:%y") if day else None
