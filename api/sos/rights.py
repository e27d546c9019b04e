"""Who may see which incidents, as a condition inside the query."""

import uuid

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.desks import watches
from db.models import Incident
from dispatch.errors import NotFound


def seen_by(person: Person) -> ColumnElement[bool]:
    """A desk sees the incidents of its regions, anybody else their own."""
    own = Incident.wearer_id == person.id
    return or_(watches(person, Incident.region), own) if person.is_desk else own


def require_seen(session: Session, incident_id: uuid.UUID, person: Person) -> None:
    """Raise NotFound unless the person may see this incident."""
    seen = select(Incident.id).where(Incident.id == incident_id, seen_by(person))
    if session.scalar(seen) is None:
        raise NotFound(f"there is no incident {incident_id}")
