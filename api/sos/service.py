"""A call for help that came over HTTP, handed to the same verb as one over MQTT."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.refusals import WrongField
from broker import codec
from broker.reading import derive_id, read_sos
from db.models import Device
from dispatch.errors import NotFound
from dispatch.sos import service
from dispatch.sos.press import press_of
from dispatch.sos.service import Reported

# What these say to a watch's lane is not in the documented contract: over HTTP a call is a call.
_NOT_HERE = frozenset({"id", "cancel", "pin", "hold"})


def read_body(body: bytes) -> tuple[str, dict[str, Any]]:
    """The device a call is for, and all it says; anything but these two may be missing or wrong."""
    try:
        said = codec.decode(body)
    except codec.CodecError as error:
        raise WrongField("body", f"must be a JSON object; this is {error}") from None
    if len(said) != 1 or not isinstance(said[0], dict):
        raise WrongField("body", "must be one JSON object")
    uid = said[0].get("device_uid")
    if not isinstance(uid, str):
        raise WrongField("device_uid", "is required: the uid of a device of yours")
    return uid, {key: value for key, value in said[0].items() if key not in _NOT_HERE}


def trigger(
    session: Session,
    owner_id: int,
    *,
    device_uid: str,
    said: dict[str, Any],
    is_staff: bool = False,
    at: datetime,
) -> Reported:
    """Call for help with a device of one's own; what cannot be read of it is dropped and noted.

    Only staff call for an exercise: from anybody else it is a call.
    """
    device_id = session.scalar(
        select(Device.id).where(
            Device.uid == device_uid, Device.owner_id == owner_id, Device.retired_at.is_(None)
        )
    )
    if device_id is None:
        raise NotOwned(device_uid)
    frame, notes = read_sos(said | {"id": derive_id(said, at=at)}, at=at)
    exercise = said.get("exercise") is True
    if exercise and not is_staff:
        notes = [*notes, "exercise: is for dispatchers and admins"]
    press = press_of(frame, via="http", notes=notes, at=at, exercise=exercise and is_staff)
    return service.report(session, device_id, press=press, at=at)


class NotOwned(NotFound):
    """No device of the caller's bears this uid, whether or not another's does."""

    field = "device_uid"

    def __init__(self, device_uid: str) -> None:
        super().__init__(f"no device of yours is registered as {device_uid[:64]}")
