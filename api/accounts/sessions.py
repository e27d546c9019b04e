"""Logins that go on: from where, since when, and their end."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from api.accounts import api_tokens, families
from api.accounts.service import Person
from db.models import LoginSession, User
from dispatch.errors import Conflict, NotFound

_LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True)
class Client:
    """From where somebody comes in, and with which program."""

    address: str = ""
    agent: str = ""


def use(session: Session, family: uuid.UUID, user_id: int, *, client: Client, at: datetime) -> None:
    """Note that a login began or goes on."""
    said = {
        "address": client.address,
        "agent": client.agent.replace("\0", "")[:_LONGEST_AGENT],
        "last_used_at": at,
        "expires_at": at + families.LIFE,
    }
    begun = insert(LoginSession).values(id=family, user_id=user_id, started_at=at, **said)
    session.execute(begun.on_conflict_do_update(index_elements=[LoginSession.id], set_=said))


def list_sessions(session: Session, user_id: int, *, at: datetime) -> Sequence[LoginSession]:
    """The logins of somebody that go on, last used first."""
    return session.scalars(
        select(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None), LoginSession.expires_at > at)
        .order_by(LoginSession.last_used_at.desc(), LoginSession.id)
    ).all()


def end_session(session: Session, user_id: int, session_id: uuid.UUID, *, at: datetime) -> None:
    """End a login of one's own; said again, it changes nothing."""
    _hold_owner(session, user_id)
    own = select(LoginSession.id).where(LoginSession.id == session_id, LoginSession.user_id == user_id)
    if session.scalar(own) is None:
        raise NotFound(f"you have no session {session_id}")
    families.end(session, session_id, at=at)


def end_current(session: Session, caller: Person, *, at: datetime) -> None:
    """End the login that the caller's token is of."""
    if caller.session_id is None:
        raise Conflict("this token belongs to no session; end one of your sessions by its id")
    end_session(session, caller.id, caller.session_id, at=at)


def end_all(session: Session, user_id: int, *, at: datetime) -> int:
    """End every login of somebody; says how many went on."""
    _hold_owner(session, user_id)
    going_on = list_sessions(session, user_id, at=at)
    for each in going_on:
        families.end(session, each.id, at=at)
    families.revoke_all(session, user_id, at=at)
    api_tokens.revoke_all(session, user_id, at=at)
    return len(going_on)


def find_ended(session: Session, sessions: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these logins are over, or never were."""
    asked = set(sessions)
    going_on = select(LoginSession.id).where(LoginSession.id.in_(asked), LoginSession.ended_at.is_(None))
    return asked - set(session.scalars(going_on))


def _hold_owner(session: Session, user_id: int) -> None:
    # A refresh holds its owner too: it is over before the end, or finds its token revoked.
    session.scalar(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
