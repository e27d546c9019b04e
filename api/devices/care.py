"""What an owner does with a device: naming it, giving it away, taking it out of use."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.devices import logins, queries, trail
from api.refusals import WrongField
from db import notifications
from db.audit import Actor
from db.models import Device, DeviceClaim, User
from db.states import UserStatus
from dispatch import commands
from dispatch.errors import Conflict
from dispatch.sos.queries import lock_open_incident


class CallOpen(Conflict):
    """Somebody is calling for help with it; that is no moment to take it away."""

    code = "call_open"

    def __init__(self, uid: str) -> None:
        super().__init__(f"a call for help of {uid} is open; give the device away when that is over")


def change_device(
    session: Session,
    uid: str,
    *,
    caller: Person,
    actor: Actor,
    changes: dict[str, str | None],
    at: datetime,
) -> None:
    """Write what is said of it; said again, it changes nothing."""
    device = queries.lock_own(session, uid, caller=caller)
    news = {name: value for name, value in changes.items() if getattr(device, name) != value}
    for name, value in news.items():
        setattr(device, name, value)
    if news:
        trail.note(session, actor, "device.changed", device, at=at, **news)
    session.flush()


def retire_device(session: Session, uid: str, *, caller: Person, actor: Actor, at: datetime) -> None:
    """Take it out of use for good; its login is gone within a second, an open call for help stays open."""
    device = queries.lock_own(session, uid, caller=caller)
    if device.retired_at is not None:
        return
    device.retired_at = at
    logins.end(session, device, overlap=None, at=at)
    session.execute(delete(DeviceClaim).where(DeviceClaim.device_id == device.id))
    trail.note(session, actor, "device.retired", device, at=at)
    session.flush()


def transfer_device(
    session: Session,
    uid: str,
    *,
    caller: Person,
    actor: Actor,
    phone: str,
    overlap: timedelta | None,
    at: datetime,
) -> datetime | None:
    """Make another person its owner, to whom nothing comes of the one before; returns until when it goes on.

    The logins it had end at once, or after the overlap; the new owner gets one by rotating. A device that
    had no owner yet keeps what it was given in the factory.
    """
    device = queries.lock_in_use(session, uid, caller=caller)
    owner = session.scalar(select(User).where(User.phone == phone, User.status == UserStatus.ACTIVE))
    if owner is None:
        raise WrongField("phone", "must be the phone number of somebody who is registered")
    if owner.id == device.owner_id:
        return None
    before = session.get(User, device.owner_id) if device.owner_id is not None else None
    old_until = None
    if before is not None:
        _require_no_call(session, device, caller)
        old_until = _take_back(session, device, overlap=overlap, at=at)
    trail.note(
        *(session, actor, "device.transferred", device),
        at=at,
        before=str(before.uuid) if before else None,
        now=str(owner.uuid),
        old_until=old_until.isoformat() if old_until else None,
    )
    device.owner_id, device.owned_since = owner.id, at
    session.execute(delete(DeviceClaim).where(DeviceClaim.device_id == device.id))
    session.flush()
    return old_until


def _require_no_call(session: Session, device: Device, caller: Person) -> None:
    call = lock_open_incident(session, device.id)
    # To its wearer a call seems over after a duress pin, and to whoever stands beside them.
    seems_over = call is None or (call.shown is not None and call.wearer_id == caller.id)
    if not seems_over:
        raise CallOpen(device.uid)


def _take_back(
    session: Session, device: Device, *, overlap: timedelta | None, at: datetime
) -> datetime | None:
    commands.withdraw(session, device, at=at)
    # What it shows of calls for help is a matter of the owner who called.
    notifications.request(session, "state", device.uuid, at=at)
    return logins.end(session, device, overlap=overlap, at=at)
