"""Those who are told: guardians, and staff on duty."""

import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db.models import Contact, Duty, Incident, Policy, User
from db.session import Database
from db.states import DutyKind
from dispatch.sos import guardians

_numbers = itertools.count(1)


def make_contact(database: Database, wearer: User, **said: Any) -> Contact:
    """Somebody whom a wearer trusts."""
    with database.transaction() as session:
        contact = Contact(
            **{"name": "Malika", "phone": f"+99897{next(_numbers):07d}", "wearer_id": wearer.id} | said
        )
        session.add(contact)
    return contact


def make_duty(
    database: Database,
    user: User,
    begins: str,
    ends: str,
    *,
    kind: DutyKind = DutyKind.DISPATCHER,
    **said: Any,
) -> Duty:
    """A duty on every day, from one time on the wall to another."""
    with database.transaction() as session:
        duty = Duty(
            user_id=user.id,
            kind=kind,
            from_minute=_minute(begins),
            to_minute=_minute(ends),
            **{"weekdays": list(range(7)), "timezone": "Asia/Tashkent"} | said,
        )
        session.add(duty)
    return duty


def make_policy(database: Database, **said: Any) -> UUID:
    """A policy for a type of call that nobody makes."""
    with database.transaction() as session:
        policy = Policy(
            **{
                "name": "Some policy",
                "types": ["never"],
                "steps": [{"after_s": 0, "whom": ["dispatchers"]}],
                "repeat_s": 60,
                "changed_at": datetime.now(UTC),
            }
            | said
        )
        session.add(policy)
        session.flush()
        return policy.uuid


def send_link(database: Database, incident_id: UUID, contact: Contact) -> str:
    """Have a guardian told of a call for help; the token of the link they were sent."""
    with database.transaction() as session:
        incident = session.get_one(Incident, incident_id)
        guardians.tell(session, incident, key="test", at=datetime.now(UTC))
        return guardians.make_token(incident_id, contact)


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
