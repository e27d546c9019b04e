"""Who may see which incidents, as a condition inside the query."""

import uuid

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from api.accounts.service import Person
from broker.topics import DEFAULT_REGION
from db.models import Incident
from db.states import Role
from dispatch.errors import NotFound


def is_desk(person: Person) -> bool:
    """Whether somebody sits where calls for help arrive."""
    return person.has(Role.DISPATCHER, Role.ADMIN)


def seen_by(person: Person) -> ColumnElement[bool]:
    """A desk sees the incidents of its regions, anybody else their own."""
    own = Incident.wearer_id == person.id
    if not is_desk(person):
        return own
    if person.watched is None:
        return true()
    return or_(Incident.region.in_(sorted({DEFAULT_REGION, *person.watched})), own)


def require_seen(session: Session, incident_id: uuid.UUID, person: Person) -> None:
    """Raise NotFound unless the person may see this incident."""
    seen = select(Incident.id).where(Incident.id == incident_id, seen_by(person))
    if session.scalar(seen) is None:
        raise NotFound(f"there is no incident {incident_id}")
