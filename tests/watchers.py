"""Those who are told: guardians, and staff on duty."""

import itertools
from typing import Any

from db.models import Contact, Duty, User
from db.session import Database
from db.states import DutyKind

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


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
