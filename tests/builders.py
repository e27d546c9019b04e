"""The people and things that stories are told about."""

import itertools
from datetime import UTC, datetime
from typing import Any

from db.models import Device, Incident, User, UserRole
from db.session import Database
from db.states import Role
from dispatch.sos import rules, service

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TASHKENT: dict[str, Any] = {"lat": 41.311081, "lon": 69.240562}

_numbers = itertools.count(1)


def make_user(database: Database, *roles: Role, name: str = "Aziza Karimova") -> User:
    """Somebody with these roles and a phone of their own."""
    with database.transaction() as session:
        user = User(
            phone=f"+99890{next(_numbers):07d}",
            full_name=name,
            granted=[UserRole(role=role) for role in roles or (Role.CUSTOMER,)],
        )
        session.add(user)
    return user


def make_device(database: Database, owner: User | None = None, uid: str | None = None) -> Device:
    """A watch, owned by somebody or by nobody."""
    with database.transaction() as session:
        device = Device(
            uid=uid or f"watch-{next(_numbers)}", model="T-Watch 5", owner_id=owner.id if owner else None
        )
        session.add(device)
    return device


def press(**said: Any) -> rules.Press:
    """A press of the button, with an id of its own unless one is given."""
    return rules.Press(**{"frame_id": f"press-{next(_numbers)}", "type": "button", "via": "mqtt"} | said)


def report(database: Database, device: Device, at: datetime = NOON, **said: Any) -> service.Reported:
    """Press SOS on a device, in a transaction of its own."""
    with database.transaction() as session:
        return service.report(session, device.id, press=press(**said), at=at)


def incident_of(database: Database, reported: service.Reported) -> Incident:
    """The incident as it stands now."""
    with database.transaction() as session:
        return session.get_one(Incident, reported.incident_id)
