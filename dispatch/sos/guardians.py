"""Those whom a wearer trusts: told when nobody answers, with a link to look on, and heard when they speak."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from broker.settings import derive_secret
from db.models import Contact, Device, Incident, LiveLink, Message, Region, User
from db.states import IncidentState
from dispatch import telling
from dispatch.errors import Conflict
from dispatch.settings import public_url
from dispatch.sos import escalation, queries, statements, timeline
from dispatch.sos.statements import Words

USEFUL = timedelta(hours=1)
"""How long after it was sent a guardian still wants to know."""

_TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class Told:
    """Which guardians were told, and why none, or not all."""

    reached: Sequence[Contact]
    why: str = ""


def tell(session: Session, incident: Incident, *, key: str, at: datetime) -> Told:
    """Have each guardian told, in their language, with a link; the same key tells nobody again."""
    if incident.wearer_id is None:
        return Told([], "the device has no wearer")
    contacts = list_contacts(session, incident.wearer_id)
    if not contacts:
        return Told([], "the wearer has named no guardian")
    facts = facts_of(session, incident)
    reached = []
    for contact in contacts:
        link = public_url(f"/live/{_give_link(session, incident, contact, at)}")
        told = telling.tell(
            session,
            contact,
            "sos.guardian",
            key=key,
            until_at=at + USEFUL,
            at=at,
            incident_id=incident.id,
            link=link,
            **facts,
        )
        if told is not None:
            reached.append(contact)
    return Told(reached, "" if len(reached) == len(contacts) else "not all of them can be reached")


def tell_end(session: Session, incident: Incident, *, at: datetime) -> None:
    """Have those who were told of the call told that it is over; who never heard of it is not startled."""
    told = (
        select(Contact)
        .join(Message, Message.contact_id == Contact.id)
        .where(Message.incident_id == incident.id, Message.text == "sos.guardian")
        .distinct()
    )
    key = f"sos:{incident.id}:over:{incident.revision}"
    for contact in session.scalars(told.order_by(Contact.id)).all():
        telling.tell(
            session,
            contact,
            "sos.guardian_over",
            key=key,
            until_at=at + USEFUL,
            at=at,
            incident_id=incident.id,
            name=facts_of(session, incident)["name"],
        )


def list_contacts(session: Session, wearer_id: int) -> Sequence[Contact]:
    """The guardians of somebody, those to be told first standing first."""
    wanted = select(Contact).where(Contact.wearer_id == wearer_id)
    return session.scalars(wanted.order_by(Contact.rank, Contact.id)).all()


def facts_of(session: Session, incident: Incident) -> dict[str, str]:
    """What messages about an incident are filled with."""
    asked = (
        select(User.full_name, Device.uid, Region.name)
        .select_from(Device)
        .join(Region, Region.slug == incident.region)
        .outerjoin(User, User.id == incident.wearer_id)
        .where(Device.id == incident.device_id)
    )
    name, uid, region = session.execute(asked).one()
    return {"name": name or uid, "type": incident.type, "region": region}


def find_link(session: Session, token: str) -> LiveLink | None:
    """The link of a token, unless it was taken back."""
    link = session.get(LiveLink, _digest(token))
    return None if link is None or link.revoked_at is not None else link


def note_opened(session: Session, link: LiveLink, *, at: datetime) -> None:
    """A person looks at it: what told them so has reached them, and no further channel is asked."""
    if link.opened_at is not None:
        return
    queries.lock_incident(session, link.incident_id)  # before its messages, as everybody does
    link.opened_at = at
    _confirm(session, link, at)


def speak(session: Session, link: LiveLink, *, words: Words, at: datetime) -> Incident:
    """A guardian spoke to the wearer. It resolves nothing; that help is needed is acted upon at once."""
    incident = queries.lock_incident(session, link.incident_id)
    if incident.state == IncidentState.RESOLVED:
        raise Conflict("this is over")
    note_opened(session, link, at=at)
    contact = session.get_one(Contact, link.contact_id)
    said: dict[str, Any] = {
        "incident_id": str(incident.id),
        "contact_id": str(contact.uuid),
        "name": link.name,
        "words": words.value,
        "said_at": at.isoformat(),
    }
    signature = statements.sign(said, key=_statement_key())
    timeline.record(session, incident, "guardian_spoke", at=at, **said, signature=signature)
    if words is Words.NEEDS_HELP and incident.state == IncidentState.ACTIVE:
        escalation.hasten(session, incident, at=at)
    return incident


def is_genuine(detail: dict[str, object]) -> bool:
    """Whether a statement on a timeline is what was signed here."""
    return statements.is_genuine(detail, key=_statement_key())


def hold_calls(session: Session, contact: Contact) -> None:
    """Hold every call that a contact was told of, before what they were told goes with them."""
    told = select(Message.incident_id).where(Message.contact_id == contact.id)
    calls = select(Incident.id).where(Incident.id.in_(told)).order_by(Incident.id)
    session.execute(calls.with_for_update())


def revoke_links(session: Session, contact: Contact, *, at: datetime) -> None:
    """Whoever is no longer reached at this number or address looks on no longer."""
    session.execute(
        update(LiveLink)
        .where(LiveLink.contact_id == contact.id, LiveLink.revoked_at.is_(None))
        .values(revoked_at=at)
        .execution_options(synchronize_session=False)
    )


def _give_link(session: Session, incident: Incident, contact: Contact, at: datetime) -> str:
    """The token of a contact for an incident.

    It is kept as a hash alone and computed anew whenever it is told again: one link, however often.
    """
    token = make_token(incident.id, contact)
    session.execute(
        insert(LiveLink)
        .values(
            token_hash=_digest(token),
            incident_id=incident.id,
            contact_id=contact.id,
            name=contact.name,
            created_at=at,
        )
        .on_conflict_do_nothing()
    )
    return token


def make_token(incident_id: UUID, contact: Contact) -> str:
    """128 bits that nobody guesses without the stack's secret; another number or address is another token."""
    content = "\n".join([str(incident_id), str(contact.uuid), contact.phone or "", contact.email or ""])
    key = bytes.fromhex(derive_secret("live links"))
    token = hmac.digest(key, content.encode(), hashlib.sha256)[:_TOKEN_BYTES]
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _confirm(session: Session, link: LiveLink, at: datetime) -> None:
    waiting = select(Message.uuid).where(
        Message.incident_id == link.incident_id,
        Message.contact_id == link.contact_id,
        Message.confirmed_at.is_(None),
    )
    for message in session.scalars(waiting).all():
        telling.confirm(session, message, via="link", at=at)


def _statement_key() -> bytes:
    return bytes.fromhex(derive_secret("statements"))
