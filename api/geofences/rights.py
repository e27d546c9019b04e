"""Who keeps which fences, as a condition inside the query, and which devices they may watch."""

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.geofences.schemas import GeofenceChange
from api.refusals import WrongField
from db.models import Device, Geofence, User
from dispatch.errors import NotFound
from dispatch.geofences.service import Draft


def kept_by(person: Person) -> ColumnElement[bool]:
    """Everybody their own; the staff also those of the staff, but nobody another person's."""
    own = Geofence.owner_id == person.id
    return or_(own, Geofence.owner_id.is_(None)) if person.is_desk else own


def draft_of(session: Session, said: GeofenceChange, *, owner_id: int | None) -> Draft:
    """A fence on what its keeper may watch: people their own devices, the staff any."""
    if owner_id is None:
        device_id, person_id = _for_staff(session, said)
    else:
        device_id, person_id = _for_owner(session, said, owner_id)
    return Draft(said.name, said.active, device_id, person_id, said.drawn())


def _for_owner(session: Session, said: GeofenceChange, owner_id: int) -> tuple[int | None, int | None]:
    if said.person is not None:
        raise WrongField("person", "is for fences of the staff; yours watch your own devices")
    if said.device_uid is None:
        return None, owner_id
    return _device_id(session, said.device_uid, Device.owner_id == owner_id), None


def _for_staff(session: Session, said: GeofenceChange) -> tuple[int | None, int | None]:
    if (said.device_uid is None) == (said.person is None):
        raise WrongField("device_uid", "a fence of the staff needs either this or person, and not both")
    if said.device_uid is not None:
        return _device_id(session, said.device_uid), None
    person_id = session.scalar(select(User.id).where(User.uuid == said.person))
    if person_id is None:
        raise NoSuchTarget("person", "there is no such person")
    return None, person_id


def _device_id(session: Session, uid: str, *rights: ColumnElement[bool]) -> int:
    in_use = select(Device.id).where(Device.uid == uid, Device.retired_at.is_(None), *rights)
    device_id = session.scalar(in_use)
    if device_id is None:
        raise NoSuchTarget("device_uid", f"no device {'of yours ' if rights else ''}is registered as {uid}")
    return device_id


class NoSuchTarget(NotFound):
    """What a fence is to watch is not there, or not the caller's."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
