"""What an owner does with a device: naming it, giving it away, taking it out of use."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.devices import queries
from api.refusals import WrongField
from db.models import Device, DeviceClaim, MqttCredential, User
from db.states import UserStatus
from dispatch.errors import Conflict


class Retired(Conflict):
    """It was taken out of use, and stays so."""

    code = "retired"

    def __init__(self, uid: str) -> None:
        super().__init__(f"{uid} was taken out of use")


def lock_in_use(session: Session, uid: str, *, caller: Person) -> Device:
    """A device that the caller may change and that is in use, held."""
    device = queries.lock_own(session, uid, caller=caller)
    if device.retired_at is not None:
        raise Retired(uid)
    return device


def change_device(session: Session, uid: str, *, caller: Person, changes: dict[str, str | None]) -> None:
    """Write what is said of it."""
    device = queries.lock_own(session, uid, caller=caller)
    for name, value in changes.items():
        setattr(device, name, value)
    session.flush()


def retire_device(session: Session, uid: str, *, caller: Person, at: datetime) -> None:
    """Take it out of use for good; its login is gone within a second, an open call for help stays open."""
    device = queries.lock_own(session, uid, caller=caller)
    if device.retired_at is not None:
        return
    device.retired_at = at
    session.execute(
        update(MqttCredential)
        .where(MqttCredential.device_id == device.id, MqttCredential.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    session.execute(delete(DeviceClaim).where(DeviceClaim.device_id == device.id))
    session.flush()


def transfer_device(session: Session, uid: str, *, caller: Person, phone: str) -> Device:
    """Make another person its owner, who may then rotate its login, which the one before may still know."""
    device = lock_in_use(session, uid, caller=caller)
    owner = session.scalar(select(User).where(User.phone == phone, User.status == UserStatus.ACTIVE))
    if owner is None:
        raise WrongField("phone", "must be the phone number of somebody who is registered")
    device.owner_id = owner.id
    session.execute(delete(DeviceClaim).where(DeviceClaim.device_id == device.id))
    session.flush()
    return device
