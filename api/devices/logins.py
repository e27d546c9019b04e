"""Broker logins of devices: a new one beside the old, until the device has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from api.accounts.service import Person
from api.devices import queries, trail
from broker.passwords import hash_secret, new_client_id, new_secret
from broker.topics import second_name
from db.audit import Actor
from db.models import Device, DeviceLast, MqttCredential
from db.states import CredentialKind
from dispatch.errors import Conflict


class RotationOpen(Conflict):
    """One at a time: a device has two names, and both are in use."""

    code = "rotation_open"

    def __init__(self, until: datetime) -> None:
        super().__init__(
            f"the login before the last still works until {until.isoformat(timespec='seconds')};"
            " do it at once, without overlap, or wait"
        )


@dataclass(frozen=True, slots=True)
class Rotated:
    """A device's new login with its secret, and until when the old one works beside it."""

    credential: MqttCredential
    secret: str
    old_until: datetime | None


def rotate(
    session: Session, uid: str, *, caller: Person, actor: Actor, overlap: timedelta | None, at: datetime
) -> Rotated:
    """A new login; without an overlap the old one is cut off within a second, its client id is void too."""
    device = queries.lock_in_use(session, uid, caller=caller)
    held = _lock_logins(session, device)
    newest = held[-1] if held else None
    # That of another owner ends when it was to end, and shares nothing with the new one.
    foreign = newest is not None and newest.expires_at is not None
    old = _end(held, overlap=overlap, at=at)
    # Where no login goes on the first name is free, and some apps form their topics from it.
    username = second_name(uid) if old is not None and old.username == uid else uid
    credential = next((each for each in held if each.username == username), None)
    if credential is None:
        credential = MqttCredential(username=username, kind=CredentialKind.DEVICE, device_id=device.id)
        session.add(credential)
    secret = new_secret()
    credential.password_hash = hash_secret(secret)
    # The session waits for a device that keeps its client id; a stranger shall not know it.
    credential.client_id = new_client_id(uid) if old is None or foreign else old.client_id
    credential.number = newest.number + 1 if newest is not None else 1
    credential.created_at, credential.revoked_at, credential.expires_at = at, None, None
    old_until = old.expires_at if old is not None else None
    trail.note(
        *(session, actor, "device.rotated", device),
        at=at,
        login=credential.number,
        old_until=old_until.isoformat() if old_until else None,
    )
    session.flush()
    return Rotated(credential, secret, old_until)


def end(session: Session, device: Device, *, overlap: timedelta | None, at: datetime) -> datetime | None:
    """End the logins of a device, at once or when the overlap is over; returns when that is."""
    old = _end(_lock_logins(session, device), overlap=overlap, at=at)
    session.flush()
    return old.expires_at if old is not None else None


def _lock_logins(session: Session, device: Device) -> Sequence[MqttCredential]:
    """All that a device ever had, the newest last."""
    return session.scalars(
        select(MqttCredential)
        .where(MqttCredential.device_id == device.id)
        .order_by(MqttCredential.number)
        .with_for_update()
    ).all()


def _end(held: Sequence[MqttCredential], *, overlap: timedelta | None, at: datetime) -> MqttCredential | None:
    """Let the one that works go on until the overlap ends; without an overlap none does."""
    if overlap is None:
        for each in held:
            each.revoked_at = each.revoked_at or at
        return None
    working = [each for each in held if _works(each, at)]
    if len(working) > 1:
        assert working[0].expires_at is not None
        raise RotationOpen(working[0].expires_at)
    for each in working:
        each.expires_at = min(at + overlap, each.expires_at or at + overlap)
    return working[0] if working else None


def _works(credential: MqttCredential, at: datetime) -> bool:
    return credential.revoked_at is None and (credential.expires_at is None or credential.expires_at > at)


@dataclass(frozen=True, slots=True)
class Straggler:
    """A device that has not said that it uses its new login."""

    device: Device
    until: datetime
    last_seen_at: datetime | None


def list_stragglers(
    session: Session,
    *,
    seen_by: ColumnElement[bool],
    after: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> Sequence[Straggler]:
    """Who is, or will be, cut off soonest comes first; `after` is the (until, id) of the last one seen."""
    old, new = aliased(MqttCredential), aliased(MqttCredential)
    wanted = (
        select(Device, old.expires_at, DeviceLast.last_seen_at)
        .join(old, old.device_id == Device.id)
        .join(new, new.device_id == Device.id)
        .outerjoin(DeviceLast, DeviceLast.device_id == Device.id)
        .where(
            seen_by,
            old.expires_at.is_not(None),
            old.revoked_at.is_(None),
            new.revoked_at.is_(None),
            new.number > old.number,
            func.coalesce(DeviceLast.login, 0) < new.number,
        )
    )
    if after is not None:
        wanted = wanted.where(tuple_(old.expires_at, Device.id) > after)
    rows = session.execute(wanted.order_by(old.expires_at, Device.id).limit(limit))
    return [Straggler(device, until, last_seen_at) for device, until, last_seen_at in rows if until]
