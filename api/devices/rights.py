"""Who may see and who may change which devices, as conditions inside the query."""

from sqlalchemy import ColumnElement, true

from api.accounts.service import Person
from db.models import Device
from db.states import Role


def is_desk(person: Person) -> bool:
    """Whether somebody looks after everybody's devices, and is shown whose they are."""
    return person.has(Role.DISPATCHER, Role.ADMIN)


def seen_by(person: Person) -> ColumnElement[bool]:
    """A desk sees every device, anybody else their own."""
    return true() if is_desk(person) else owned_by(person)


def owned_by(person: Person) -> ColumnElement[bool]:
    """One's own, whatever else one may see."""
    return Device.owner_id == person.id


def may_change(person: Person, device: Device) -> bool:
    """An admin may change every device, anybody else their own; who sees more may not do more."""
    return person.has(Role.ADMIN) or device.owner_id == person.id
