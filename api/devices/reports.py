"""What a device says over HTTP, stored as if a frame had said it."""

from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.devices import queries, rights
from api.devices.queries import NoSuchDevice
from api.refusals import WrongField
from broker import codec
from broker.frames import PosFrame, StatusFrame, UpFrame
from broker.reading import Refusal, read
from db import telemetry
from db.models import Device
from db.samples import PresenceRow
from db.states import Presence
from dispatch.errors import WrongFields
from dispatch.samples import Arrival, add_position

DOOR = "http"

Up = TypeVar("Up", bound=UpFrame)


def read_body(body: bytes) -> dict[str, Any]:
    """One object of anything."""
    try:
        said = codec.decode(body)
    except codec.CodecError as error:
        raise WrongField("body", f"must be a JSON object; this is {error}") from None
    if len(said) != 1 or not isinstance(said[0], dict):
        raise WrongField("body", "must be one JSON object")
    return said[0]


def take_location(session: Session, uid: str, *, caller: Person, said: dict[str, Any], at: datetime) -> None:
    """A fix of a device of the caller's own."""
    device = _get_own(session, uid, caller)
    arrival = Arrival(at)
    _add_fix(arrival, device, _read(PosFrame, said))
    arrival.batch.presences.append(PresenceRow(device.id, at, None, None, None, None, DOOR))
    _store(session, arrival)


def take_status(session: Session, uid: str, *, caller: Person, said: dict[str, Any], at: datetime) -> None:
    """Battery, presence, place and way of a device of the caller's own; what is not said stays as it was."""
    device = _get_own(session, uid, caller)
    arrival = Arrival(at)
    online = said.get("is_online")
    if online is not None and not isinstance(online, bool):
        raise WrongField("is_online", "must be true or false")
    # A frame must say whether the device is there; a request need not.
    word = "offline" if online is False else "online"
    status = _read(StatusFrame, {**said, "s": word})
    if any(said.get(name) is not None for name in ("lat", "latitude", "lon", "lng", "longitude")):
        _add_fix(arrival, device, _read(PosFrame, said))
    arrival.batch.presences.append(
        PresenceRow(
            *(device.id, at, status.bat, None if online is None else Presence(status.s)),
            *(status.boot, status.fw, status.via or DOOR),
        )
    )
    _store(session, arrival)


def _get_own(session: Session, uid: str, caller: Person) -> Device:
    device = session.scalar(select(Device).where(Device.uid == uid, rights.owned_by(caller)))
    if device is None:
        raise NoSuchDevice(uid)
    return queries.require_in_use(device)


def _read(frame: type[Up], said: dict[str, Any]) -> Up:
    found = read(frame, {name: value for name, value in said.items() if value is not None})
    if isinstance(found, Refusal):
        raise WrongFields({name or "lat": flaw for name, flaw in found.flaws.items()})
    return found


def _add_fix(arrival: Arrival, device: Device, fix: PosFrame) -> None:
    said = fix.model_dump(exclude_none=True)
    add_position(arrival, said, device.id)


def _store(session: Session, arrival: Arrival) -> None:
    telemetry.store(session, arrival.batch, lane=DOOR)
    session.expire_all()  # what it wrote went past the session
