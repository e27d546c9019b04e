"""Reading devices; `lock_` holds the row, `get_` raises."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, case, or_, select, tuple_
from sqlalchemy.orm import Session, contains_eager, joinedload

from api.accounts.service import Person
from api.devices import rights, rules
from api.devices.rules import Seen
from db.models import Device, DeviceLast
from db.states import DeviceKind, Presence
from dispatch.errors import Forbidden, NotFound


def get_device(session: Session, uid: str, *, seen_by: ColumnElement[bool]) -> Device:
    """A device with its owner and what is last known of it, if the caller may see it."""
    wanted = _with_all().where(Device.uid == uid, seen_by).execution_options(populate_existing=True)
    device = session.scalar(wanted)
    if device is None:
        raise NoSuchDevice(uid)
    return device


def lock_own(session: Session, uid: str, *, caller: Person) -> Device:
    """A device that the caller may change, held; to whom it is foreign, it is not there."""
    device = session.scalar(
        select(Device).where(Device.uid == uid, rights.seen_by(caller)).with_for_update(key_share=True)
    )
    if device is None:
        raise NoSuchDevice(uid)
    if not rights.may_change(caller, device):
        raise Forbidden("only its owner or an admin may change a device")
    return device


def list_devices(
    session: Session,
    *,
    seen_by: ColumnElement[bool],
    at: datetime,
    kinds: Sequence[DeviceKind] = (),
    presences: Sequence[Seen] = (),
    retired: bool = False,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> Sequence[Device]:
    """Newest first; `before` is the (created_at, id) of the last one seen."""
    wanted = _with_all().where(
        seen_by, Device.retired_at.is_not(None) if retired else Device.retired_at.is_(None)
    )
    if kinds:
        wanted = wanted.where(Device.kind.in_(kinds))
    if presences:
        wanted = wanted.where(_seen(at).in_([each.value for each in presences]))
    if before is not None:
        wanted = wanted.where(tuple_(Device.created_at, Device.id) < before)
    newest_first = wanted.order_by(Device.created_at.desc(), Device.id.desc()).limit(limit)
    return session.scalars(newest_first).all()


class NoSuchDevice(NotFound):
    """No device of this uid that the caller may see."""

    def __init__(self, uid: str) -> None:
        super().__init__(f"no device of yours is registered as {uid[:64]}")


def _with_all() -> Select[Device]:
    return (
        select(Device)
        .outerjoin(DeviceLast, DeviceLast.device_id == Device.id)
        .options(contains_eager(Device.last), joinedload(Device.owner))
    )


def _seen(at: datetime) -> ColumnElement[str]:
    """`rules.seen` in the words of the database."""
    asleep = DeviceLast.presence == Presence.SLEEPING
    too_quiet = or_(
        *(
            and_(Device.kind == kind, DeviceLast.last_seen_at < at - quiet)
            for kind, quiet in rules.QUIET.items()
        )
    )
    return case(
        (DeviceLast.last_seen_at.is_(None), Seen.OFFLINE.value),
        (DeviceLast.presence == Presence.OFFLINE, Seen.OFFLINE.value),
        (and_(asleep, DeviceLast.last_seen_at < at - rules.ASLEEP), Seen.SILENT.value),
        (asleep, Seen.SLEEPING.value),
        (too_quiet, Seen.SILENT.value),
        else_=Seen.ONLINE.value,
    )
