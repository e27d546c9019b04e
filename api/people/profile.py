"""One's own account: what one may change of it."""

import uuid
from typing import Any

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from api.accounts.service import Person, nobody_elses
from api.fleet import service as fleet
from api.people import service
from db.models import Driver, User
from dispatch.errors import NotFound


def change(session: Session, user: uuid.UUID, **said: Any) -> User:
    """Change what is said and nothing else."""
    held = service.lock_user(session, user)
    with nobody_elses(session):
        for name, value in said.items():
            setattr(held, name, value)
    return held


def swap_photo(session: Session, user: uuid.UUID, name: str | None) -> str | None:
    """Show this photo from now on, or none; returns the name of the former one."""
    held = service.lock_user(session, user)
    former, held.photo = held.photo, name
    return former


def photo_of(session: Session, user: uuid.UUID, *, asked_by: Person) -> str:
    """The name of somebody's photo, for themselves and for those who look for them or may ask them."""
    photo = select(User.photo).outerjoin(Driver, Driver.user_id == User.id)
    name = session.scalar(photo.where(User.uuid == user, _shown_to(asked_by)))
    if name is None:
        raise NotFound("there is no such photo")
    return name


def _shown_to(person: Person) -> ColumnElement[bool]:
    desk = person.is_desk
    return true() if desk else or_(User.id == person.id, fleet.can_be_asked())
