"""The people of the bench: helpers about the city who can be asked, and a dispatcher who looks after calls.

A process of its own, as they are people of their own: without them each call would run through every level
of its escalation at once, which no house with anybody in it does.
"""

import signal
import sys
import threading
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bench.calls import place_of
from db import places
from db.models import Helper, Incident, User, UserRole
from db.session import Database
from db.states import IncidentState, Role
from dispatch.errors import DomainError
from dispatch.sos import service

_LOOKS_EACH_S = 0.5
_AFTER = timedelta(seconds=1)
"""How long a dispatcher takes to look after a call."""


def settle(database: Database, helpers: int) -> int:
    """Put the people into the house; returns the dispatcher."""
    at = datetime.now(UTC)
    with database.transaction() as session:
        desk = User(phone="+998900000000", full_name="Desk", granted=[UserRole(role=Role.DISPATCHER)])
        session.add(desk)
        for number in range(helpers):
            person = User(
                phone=f"+99891{number:07d}",
                full_name=f"Helper {number}",
                granted=[UserRole(role=Role.HELPER)],
            )
            session.add(person)
            session.flush()
            session.add(Helper(user_id=person.id, skills=[], available=True))
            lat, lon = place_of(number)
            places.move(session, person.id, lat=lat, lon=lon, at=at)
        session.flush()
        return desk.id


def look_after(database: Database, desk: int) -> None:
    """Take on each call that has waited for a moment."""
    at = datetime.now(UTC)
    waits = (Incident.state == IncidentState.ACTIVE, Incident.opened_at < at - _AFTER)
    with database.transaction() as session:
        waiting = session.scalars(select(Incident.id).where(*waits)).all()
    for incident in waiting:
        try:
            with database.transaction() as session:
                service.acknowledge(session, incident, by=desk, at=at)
        except DomainError:
            continue  # it went on meanwhile


def main() -> None:
    """Say that everybody is there, and look after calls until told to stop."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    database = Database(name="bench-people")
    desk = settle(database, int(sys.argv[1]))
    print("ready", flush=True)
    while not stopping.wait(_LOOKS_EACH_S):
        look_after(database, desk)
    database.close()


if __name__ == "__main__":
    main()
