"""Reading devices; `lock_` holds the row, `get_` raises."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Interval, Select, and_, case, cast, func, select, tuple_
from sqlalchemy.orm import Session, contains_eager, joinedload

from api.accounts.service import Person
from api.devices import rights, rules
from api.devices.rules import Seen
from db.models import Device, DeviceCommand, DeviceConfig, DeviceLast
from db.states import DeviceKind, Presence
from dispatch.errors import Conflict, Forbidden, NotFound


def get_device(session: Session, uid: str, *, seen_by: ColumnElement[bool]) -> Device:
    """A device with its owner and what is last known of it, if the caller may see it."""
    wanted = _with_all().where(Device.uid == uid, seen_by).execution_options(populate_existing=True)
    device = session.scalar(wanted)
    if device is None:
        raise NoSuchDevice(uid)
    return device


def lock_seen(session: Session, uid: str, *, caller: Person) -> Device:
    """A device that the caller may see, held; to whom it is foreign, it is not there."""
    device = session.scalar(
        select(Device).where(Device.uid == uid, rights.seen_by(caller)).with_for_update(key_share=True)
    )
    if device is None:
        raise NoSuchDevice(uid)
    return device


def lock_own(session: Session, uid: str, *, caller: Person) -> Device:
    """A device that the caller may change, held."""
    device = lock_seen(session, uid, caller=caller)
    if not rights.may_change(caller, device):
        raise Forbidden("only its owner or an admin may change a device")
    return device


def lock_in_use(session: Session, uid: str, *, caller: Person) -> Device:
    """A device that the caller may change and that is in use, held."""
    return require_in_use(lock_own(session, uid, caller=caller))


def require_in_use(device: Device) -> Device:
    """The device, unless it was taken out of use."""
    if device.retired_at is not None:
        raise Retired(device.uid)
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


def list_commands(
    session: Session,
    device_id: int,
    *,
    since: datetime | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> Sequence[DeviceCommand]:
    """What a device was asked, newest first; `before` is the (asked_at, id) of the last one seen."""
    wanted = (
        select(DeviceCommand)
        .where(DeviceCommand.device_id == device_id)
        .options(joinedload(DeviceCommand.asked_by))
    )
    if since is not None:
        wanted = wanted.where(DeviceCommand.asked_at >= since)
    if before is not None:
        wanted = wanted.where(tuple_(DeviceCommand.asked_at, DeviceCommand.id) < before)
    newest_first = wanted.order_by(DeviceCommand.asked_at.desc(), DeviceCommand.id.desc())
    return session.scalars(newest_first.limit(limit)).all()


class NoSuchDevice(NotFound):
    """No device of this uid that the caller may see."""

    def __init__(self, uid: str) -> None:
        super().__init__(f"no device of yours is registered as {uid[:64]}")


class Retired(Conflict):
    """It was taken out of use, and stays so."""

    code = "retired"

    def __init__(self, uid: str) -> None:
        super().__init__(f"{uid} was taken out of use")


def _with_all() -> Select[Device]:
    return (
        select(Device)
        .outerjoin(DeviceLast, DeviceLast.device_id == Device.id)
        .outerjoin(DeviceConfig, DeviceConfig.device_id == Device.id)
        .options(contains_eager(Device.last), contains_eager(Device.config), joinedload(Device.owner))
    )


def _seen(at: datetime) -> ColumnElement[str]:
    """`rules.seen` in the words of the database."""
    asleep = DeviceLast.presence == Presence.SLEEPING
    heard_at, patience = DeviceLast.last_seen_at, _patience()
    return case(
        (heard_at.is_(None), Seen.OFFLINE.value),
        (DeviceLast.presence == Presence.OFFLINE, Seen.OFFLINE.value),
        (and_(asleep, heard_at < at - func.greatest(patience, rules.ASLEEP)), Seen.SILENT.value),
        (asleep, Seen.SLEEPING.value),
        (heard_at < at - patience, Seen.SILENT.value),
        else_=Seen.ONLINE.value,
    )


def _patience() -> ColumnElement[timedelta]:
    """`rules.patience` likewise."""
    missed_s = rules.MISSED * DeviceConfig.rest_s * func.coalesce(DeviceConfig.batch, 1)
    told = func.make_interval(0, 0, 0, 0, 0, 0, missed_s, type_=Interval)
    bounded = func.greatest(rules.LEAST_PATIENCE, func.least(rules.MOST_PATIENCE, told))
    return case(
        (DeviceConfig.rest_s.is_not(None), bounded),
        *((Device.kind == kind, cast(quiet, Interval)) for kind, quiet in rules.QUIET.items()),
    )
