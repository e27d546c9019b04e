"""What staff does to devices that are not their own, in the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from db import audit
from db.audit import Actor
from db.models import Device


def note(session: Session, actor: Actor, action: str, device: Device, *, at: datetime, **detail: Any) -> None:
    """Write the act down, unless the device is the actor's own."""
    if actor.id is None or device.owner_id != actor.id:
        audit.record(session, actor, action, subject=("device", device.uid), at=at, **detail)
