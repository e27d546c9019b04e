"""The people and things that stories are told about."""

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from db.models import Contact, Device, HelperCall, Incident, User, UserRole
from db.session import Database
from db.states import CallState, Role
from dispatch.sos import pins, rules, service

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


def device_of(database: Database, reported: service.Reported) -> Device:
    """The device that called."""
    with database.transaction() as session:
        return session.get_one(Device, session.get_one(Incident, reported.incident_id).device_id)


def set_pins(database: Database, wearer: User, pin: str = "4711", duress_pin: str | None = "9999") -> None:
    """Give somebody a pin, and a duress pin."""
    with database.transaction() as session:
        pins.set_pins(session, wearer.id, pin=pin, duress_pin=duress_pin, at=NOON)


def call_helper(
    database: Database,
    incident_id: uuid.UUID,
    helper: User,
    *,
    state: CallState = CallState.ACCEPTED,
    eta_s: int | None = None,
) -> None:
    """Somebody was asked to come, and this is how far they are."""
    with database.transaction() as session:
        session.add(
            HelperCall(
                incident_id=incident_id,
                helper_id=helper.id,
                state=state,
                wave=1,
                asked_at=NOON,
                until_at=NOON + timedelta(seconds=60),
                on_scene_at=NOON if state is CallState.ON_SCENE else None,
                eta_s=eta_s,
                chance=0.5,
                terms={},
            )
        )


def make_contact(database: Database, wearer: User, **more: Any) -> Contact:
    """A guardian of somebody, reached by phone unless more is said."""
    with database.transaction() as session:
        contact = Contact(
            **{"wearer_id": wearer.id, "name": "Malika", "phone": f"+99891{next(_numbers):07d}"} | more
        )
        session.add(contact)
    return contact
