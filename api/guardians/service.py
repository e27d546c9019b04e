"""What a wearer does with the people they trust."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.refusals import Taken
from db.models import Contact, User
from dispatch.errors import Conflict, NotFound
from dispatch.sos import guardians

MOST_CONTACTS = 10


@dataclass(frozen=True, slots=True)
class Draft:
    """A guardian as the wearer names them."""

    name: str
    phone: str | None
    email: str | None
    language: str
    rank: int


def list_contacts(session: Session, wearer_id: int) -> Sequence[Contact]:
    """One's own guardians, those to be told first standing first."""
    return guardians.list_contacts(session, wearer_id)


def get_contact(session: Session, wearer_id: int, contact: UUID) -> Contact:
    """One of one's own guardians."""
    found = session.scalar(select(Contact).where(Contact.uuid == contact, Contact.wearer_id == wearer_id))
    if found is None:
        raise NotFound("there is no such contact of yours")
    return found


def create(session: Session, wearer_id: int, draft: Draft, *, at: datetime) -> Contact:
    """Name somebody more."""
    _lock(session, wearer_id)
    count = select(func.count()).select_from(Contact).where(Contact.wearer_id == wearer_id)
    if session.scalars(count).one() >= MOST_CONTACTS:
        raise Conflict(f"you have named {MOST_CONTACTS} contacts already; remove one first")
    contact = Contact(wearer_id=wearer_id, created_at=at)
    _refuse_twice(session, wearer_id, draft, apart_from=None)
    _apply(contact, draft)
    session.add(contact)
    session.flush()
    return contact


def replace(session: Session, wearer_id: int, contact: UUID, draft: Draft, *, at: datetime) -> Contact:
    """Change all of a contact; a link that was sent to the former number or address is good no longer."""
    _lock(session, wearer_id)
    held = get_contact(session, wearer_id, contact)
    _refuse_twice(session, wearer_id, draft, apart_from=held.id)
    if (held.phone, held.email) != (draft.phone, draft.email):
        guardians.revoke_links(session, held, at=at)
    _apply(held, draft)
    session.flush()
    return held


def remove(session: Session, wearer_id: int, contact: UUID) -> None:
    """Name somebody no longer; their links go with them."""
    held = get_contact(session, wearer_id, contact)
    guardians.hold_calls(session, held)
    session.delete(held)


def _lock(session: Session, wearer_id: int) -> None:
    session.execute(select(User.id).where(User.id == wearer_id).with_for_update(key_share=True))


def _refuse_twice(session: Session, wearer_id: int, draft: Draft, *, apart_from: int | None) -> None:
    """Who is named twice would be told twice of the same thing."""
    for other in guardians.list_contacts(session, wearer_id):
        for field in ("phone", "email"):
            said = getattr(draft, field)
            if other.id != apart_from and said is not None and getattr(other, field) == said:
                raise Taken(field, f"{other.name} has this already")


def _apply(contact: Contact, draft: Draft) -> None:
    contact.name, contact.phone, contact.email = draft.name, draft.phone, draft.email
    contact.language, contact.rank = draft.language, draft.rank
