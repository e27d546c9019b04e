"""Coming in and staying in; several short transactions, so that no connection waits for a hash."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts import families, second_factor, service, sessions
from api.accounts.passwords import is_right
from api.accounts.second_factor import Vault
from api.accounts.sessions import Client
from api.accounts.tokens import Signer
from api.accounts.tries import Tries
from api.refusals import SecondStepNeeded, Unauthenticated
from db.models import User
from db.session import Database
from db.states import UserStatus
from dispatch.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client keeps after it came in."""

    access: str
    refresh: str


def log_in(
    database: Database,
    *,
    phone: str | None = None,
    email: str | None = None,
    password: str,
    client: Client,
    signer: Signer,
    tries: Tries,
    at: datetime,
) -> Tokens:
    """Tokens for the right password, by phone or else by email.

    An unknown account and a wrong password cannot be told apart.
    """
    account = phone or (email or "").lower()
    tries.spend(account, client.address, at=at)
    with database.transaction() as session:
        user = (
            service.find_user(session, phone=phone) if phone else service.find_user_by_email(session, account)
        )
    if not is_right(password, user.password_hash if user else None) or user is None:
        raise Unauthenticated(f"the {'phone number' if phone else 'email'} or the password is wrong")
    tries.forgive(account, client.address, at=at)
    if user.status != UserStatus.ACTIVE:
        raise Forbidden("this account is blocked")
    with database.transaction() as session:
        return begin(session, user, client=client, signer=signer, at=at)


def second_step(
    database: Database,
    *,
    token: str,
    code: str,
    client: Client,
    signer: Signer,
    vault: Vault,
    tries: Tries,
    at: datetime,
) -> Tokens:
    """Tokens for the right code after the right password."""
    person = signer.read_step(token, at=at)
    tries.spend(f"second step of {person}", client.address, at=at)
    with database.transaction() as session:
        user = session.scalar(select(User).where(User.uuid == person))
        if user is None or user.status != UserStatus.ACTIVE:
            raise Forbidden("this account is blocked")
        if not second_factor.accept(session, user.id, code, vault=vault, at=at):
            raise Unauthenticated("the code is not that of this moment, or was used already")
        tokens = _begin(session, user, client=client, signer=signer, at=at)
    tries.forgive(f"second step of {person}", client.address, at=at)
    return tokens


def begin(session: Session, user: User, *, client: Client, signer: Signer, at: datetime) -> Tokens:
    """A login of somebody who has shown who they are; staff may have a second step to take."""
    if second_factor.is_needed(session, user.id):
        raise SecondStepNeeded(signer.issue_step(user.uuid, at=at))
    return _begin(session, user, client=client, signer=signer, at=at)


def _begin(session: Session, user: User, *, client: Client, signer: Signer, at: datetime) -> Tokens:
    login = uuid.uuid4()
    sessions.use(session, login, user.id, client=client, at=at)
    refresh = families.start(session, user.id, family=login, at=at)
    return Tokens(access=signer.issue(user.uuid, session=login, at=at), refresh=refresh)


def stay_in(
    database: Database, *, refresh: str, client: Client | None = None, signer: Signer, at: datetime
) -> Tokens:
    """New tokens for a good refresh token."""
    with database.transaction() as session:
        rotated = families.rotate(session, refresh, at=at)
        if rotated is not None:
            sessions.use(session, rotated.family, rotated.owner.id, client=client or Client(), at=at)
    if rotated is None:
        raise Unauthenticated("the refresh token is not good any more; please log in")
    access = signer.issue(rotated.owner.uuid, session=rotated.family, at=at)
    return Tokens(access=access, refresh=rotated.token)
