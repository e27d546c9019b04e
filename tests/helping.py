"""Helpers, where they are, and what they are asked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from db import places
from db.models import Device, Helper, HelperCall, User
from db.session import Database
from db.states import DeviceKind, Role
from dispatch import relay
from dispatch.sos import calls, queries
from tests.builders import NOON, TASHKENT, make_user
from tests.maps import METRE


def make_helper(
    database: Database,
    *skills: str,
    metres: float | None = 300.0,
    at: datetime = NOON,
    name: str = "Sardor Helper",
    available: bool = True,
    radius_m: int = 3_000,
    regions: list[str] | None = None,
) -> User:
    """Somebody who helps, so far north of the middle of Tashkent; without a distance, nobody knows where."""
    person = make_user(database, Role.HELPER, name=name)
    with database.transaction() as session:
        session.add(
            Helper(
                user_id=person.id,
                skills=list(skills),
                available=available,
                radius_m=radius_m,
                regions=regions,
            )
        )
    if metres is not None:
        stand(database, person, metres, at=at)
    return person


def stand(database: Database, person: User, metres: float, *, at: datetime) -> None:
    """Be so far north of the middle of Tashkent."""
    lat, lon = TASHKENT["lat"] + metres * METRE, TASHKENT["lon"]
    with database.transaction() as session:
        places.move(session, person.id, lat=lat, lon=lon, at=at)


def make_phone(database: Database, owner: User, uid: str) -> Device:
    """A phone that its owner carries."""
    with database.transaction() as session:
        phone = Device(uid=uid, kind=DeviceKind.PHONE, owner_id=owner.id)
        session.add(phone)
    return phone


def ask(database: Database, incident_id: UUID, *, wider: bool = False, at: datetime = NOON) -> int:
    """Ask the next wave, in a transaction of its own."""
    with database.transaction() as session:
        return calls.alert_wave(session, queries.lock_incident(session, incident_id), wider=wider, at=at)


def call_of(database: Database, person: User) -> HelperCall:
    """What somebody was last asked, as it stands."""
    with database.transaction() as session:
        return session.scalars(
            select(HelperCall)
            .where(HelperCall.helper_id == person.id)
            .order_by(HelperCall.id.desc())
            .limit(1)
        ).one()


def accept(database: Database, person: User, *, at: datetime = NOON, via: str = "http") -> HelperCall:
    """Say yes to what one was last asked."""
    call = call_of(database, person)
    with database.transaction() as session:
        return calls.accept(session, call.uuid, by=person.id, via=via, at=at)


def settle(database: Database, at: datetime) -> None:
    """Let the relay react until nothing is due, and look once who is coming."""
    while relay.turn(database, at=at):
        pass
    relay.look_at_people(database, at=at)
    while relay.turn(database, at=at):
        pass
