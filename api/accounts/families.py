"""Refresh tokens: opaque, kept as hashes, rotated, and revoked together when a spent one comes back.

A client that takes the new token it is given spends the old one by the first use of the new. A client that
knows only `access`, as one documented contract has it, goes on with the token of its login until that
expires. So nobody is logged out by an answer that was lost or not read, and a stolen token that is rotated
by either side still gives the other away.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from api.accounts.opaque import digest
from db.models import LoginSession, RefreshToken, User
from db.states import UserStatus

LIFE = timedelta(days=30)

GRACE = timedelta(seconds=10)
"""How long a spent token is still good, for two requests of one client that crossed."""

_UNCLAIMED = 4
"""How many tokens that were given but never used a family keeps."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a good refresh token was turned into."""

    owner: User
    family: uuid.UUID
    token: str


def start(session: Session, user_id: int, family: uuid.UUID, *, at: datetime) -> str:
    """The first refresh token of a login."""
    return _issue(session, user_id, family, at)


def rotate(session: Session, token: str, *, at: datetime) -> Rotated | None:
    """The token's owner and the next token; None when it is not good, or came back and ended its family.

    The end of a family must be committed, so it is answered, not raised.
    """
    token_hash = digest(token)
    owner = _lock_owner(session, token_hash)
    shown = session.get(RefreshToken, token_hash)
    if owner is None or shown is None or shown.revoked_at is not None or shown.expires_at <= at:
        return None
    if shown.used_at is not None and at - shown.used_at > GRACE:
        end(session, shown.family, at=at)
        return None
    if owner.status != UserStatus.ACTIVE:
        return None
    _spend_older(session, shown, at)
    _drop_unclaimed(session, shown)
    return Rotated(owner, shown.family, _issue(session, owner.id, shown.family, at))


def _lock_owner(session: Session, token_hash: str) -> User | None:
    owner_id = session.scalar(select(RefreshToken.user_id).where(RefreshToken.token_hash == token_hash))
    return session.scalar(select(User).where(User.id == owner_id).with_for_update(key_share=True))


def _issue(session: Session, user_id: int, family: uuid.UUID, at: datetime) -> str:
    session.execute(
        delete(RefreshToken).where(RefreshToken.user_id == user_id, RefreshToken.expires_at <= at)
    )
    token = secrets.token_urlsafe(32)
    session.add(
        RefreshToken(
            token_hash=digest(token), user_id=user_id, family=family, issued_at=at, expires_at=at + LIFE
        )
    )
    session.flush()
    return token


def _spend_older(session: Session, shown: RefreshToken, at: datetime) -> None:
    session.execute(
        update(RefreshToken)
        .where(
            RefreshToken.family == shown.family,
            RefreshToken.issued_at <= shown.issued_at,
            RefreshToken.token_hash != shown.token_hash,
            RefreshToken.used_at.is_(None),
        )
        .values(used_at=at)
        .execution_options(synchronize_session=False)
    )


def _drop_unclaimed(session: Session, shown: RefreshToken) -> None:
    unclaimed = (
        select(RefreshToken.token_hash)
        .where(
            RefreshToken.family == shown.family,
            RefreshToken.issued_at > shown.issued_at,
            RefreshToken.used_at.is_(None),
        )
        .order_by(RefreshToken.issued_at.desc())
        .offset(_UNCLAIMED - 1)
    )
    session.execute(
        delete(RefreshToken)
        .where(RefreshToken.token_hash.in_(unclaimed.scalar_subquery()))
        .execution_options(synchronize_session=False)
    )


def end(session: Session, family: uuid.UUID, *, at: datetime) -> None:
    """End a login: neither its refresh tokens nor its access tokens are good any more."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == family, LoginSession.ended_at.is_(None))
        .values(ended_at=at)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.family == family, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=at)
        .execution_options(synchronize_session=False)
    )


def revoke_all(session: Session, user_id: int, *, at: datetime) -> None:
    """No refresh token of somebody is good any more, whichever login it is of."""
    session.execute(
        update(RefreshToken)
        .where(RefreshToken.user_id == user_id, RefreshToken.revoked_at.is_(None))
        .values(revoked_at=at)
        .execution_options(synchronize_session=False)
    )
