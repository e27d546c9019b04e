"""Tokens without an end, for clients that know no other: opaque, kept as hashes, revocable."""

import secrets
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from api.accounts import service
from api.accounts.opaque import digest
from api.accounts.service import Person
from db.models import ApiToken, User


def issue(session: Session, user_id: int, *, at: datetime) -> str:
    """A new token; it can be shown this once."""
    token = secrets.token_hex(32)
    session.add(ApiToken(token_hash=digest(token), user_id=user_id, issued_at=at))
    session.flush()
    return token


def find_owner(session: Session, token: str) -> Person | None:
    """Whose token it is, while it is good."""
    owner = session.scalar(
        select(User.uuid)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(ApiToken.token_hash == digest(token), ApiToken.revoked_at.is_(None))
    )
    return None if owner is None else service.find_person(session, owner)


def revoke_all(session: Session, user_id: int, *, at: datetime) -> None:
    """End every such token of a person."""
    session.execute(
        update(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=at)
        .execution_options(synchronize_session=False)
    )
