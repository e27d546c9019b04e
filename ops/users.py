"""What an operator does to accounts at the machine itself: the first admin, a forgotten password."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from pydantic import SecretStr
from sqlalchemy.orm import Session

from api.accounts import second_factor, sessions
from api.accounts.passwords import hash_password
from api.accounts.phones import normalise
from api.accounts.service import find_user
from api.people import service
from db import audit
from db.audit import Actor
from db.models import User
from db.session import TRANSIENT, Database
from db.settings import DatabaseSettings
from db.states import Role
from dispatch.errors import DomainError
from ops.stack import running_stack
from ops.trouble import Trouble

OPERATOR = Actor(None, "console")
"""Whoever sits at the machine itself."""


@contextmanager
def open_database() -> Iterator[Database]:
    """The database this process was told of, as in a container; else that of the running stack."""
    url = os.environ.get("MAYDAY_DATABASE_URL")
    if url is None:
        if (stack := running_stack()) is None:
            raise Trouble("mayday is not running; start it with ./mayday up")
        url = stack.postgres.sqlalchemy_url()
    database = Database(DatabaseSettings(database_url=SecretStr(url)), name="operator")
    try:
        yield database
    except TRANSIENT as error:
        raise Trouble(f"the database does not answer: {str(error).splitlines()[0]}") from None
    except DomainError as error:
        raise Trouble(error.message) from None
    finally:
        database.close()


def grant(database: Database, phone: str, role: str) -> str:
    """Grant a role to an account that exists; says what holds now."""
    if role not in list(Role):
        raise Trouble(f"there is no role {role}; there are {', '.join(Role)}")
    at = datetime.now(UTC)
    with database.transaction() as session:
        user = _get(session, phone)
        held = service.grant_role(session, user.uuid, Role(role), actor=OPERATOR, at=at)
        return f"{user.phone} is {', '.join(sorted(each.role for each in held.granted))}"


def renew_password(database: Database, phone: str) -> str:
    """A new password for an account, shown this once; its logins and its second factor end."""
    password = secrets.token_urlsafe(12)
    hashed = hash_password(password)
    at = datetime.now(UTC)
    with database.transaction() as session:
        user = service.lock_user(session, _get(session, phone).uuid)
        user.password_hash = hashed
        second_factor.remove(session, user.id)
        ended = sessions.end_all(session, user.id, at=at)
        audit.record(
            session, OPERATOR, "password.renewed", subject=("user", user.uuid), at=at, sessions_ended=ended
        )
    return password


def _get(session: Session, phone: str) -> User:
    try:
        number = normalise(phone)
    except ValueError as error:
        raise Trouble(f"PHONE {error}") from None
    if (user := find_user(session, number)) is None:
        raise Trouble(f"nobody is registered with {number}; register the account first")
    return user
