"""Who may see and who may change which devices, as conditions inside the query."""

from sqlalchemy import ColumnElement, true

from api.accounts.service import Person
from db.models import Device
from db.states import Role


def seen_by(person: Person) -> ColumnElement[bool]:
    """A desk sees every device, anybody else their own."""
    return true() if person.is_desk else owned_by(person)


def owned_by(person: Person) -> ColumnElement[bool]:
    """One's own, whatever else one may see."""
    return Device.owner_id == person.id


def may_change(person: Person, device: Device) -> bool:
    """An admin may change every device, anybody else their own; who sees more may not do more."""
    return person.has(Role.ADMIN) or device.owner_id == person.id
