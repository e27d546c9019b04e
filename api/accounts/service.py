"""People and their roles."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from api.accounts.passwords import hash_password
from api.accounts.phones import is_phone
from api.refusals import Taken
from db.models import LoginSession, User, UserRole
from db.states import Role, UserStatus

DESK = frozenset({Role.DISPATCHER, Role.ADMIN})
"""Who hears of other people's calls."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever makes a request, with the rights of this moment."""

    id: int
    uuid: uuid.UUID
    active: bool
    roles: frozenset[Role]
    regions: frozenset[str] | None = None
    """Whose calls a dispatcher is there for; none are named where it is all."""
    session_id: UUID | None = None

    def has(self, *roles: Role) -> bool:
        """Whether the person holds one of these roles."""
        return not self.roles.isdisjoint(roles)

    @property
    def is_desk(self) -> bool:
        """Whether this person sits where other people's calls, orders and devices are looked after."""
        return self.has(*DESK)

    @property
    def watched(self) -> frozenset[str] | None:
        """The regions whose calls this person sees at a desk; None means all, as an admin always does."""
        return None if self.has(Role.ADMIN) else self.regions


def register_user(
    session: Session,
    *,
    phone: str | None = None,
    email: str | None = None,
    password: str | None,
    full_name: str = "",
    address: str = "",
    roles: Iterable[Role] = (Role.CUSTOMER,),
    granted_by: int | None = None,
) -> User:
    """A new account; `phone` in E.164. Taken when somebody has the number or the email.

    Without a password, its owner comes in by another way.
    """
    # Before the first statement: no connection waits for it.
    password_hash = None if password is None else hash_password(password)
    granted = [UserRole(role=role, granted_by=granted_by) for role in sorted(set(roles))]
    user = User(
        phone=phone,
        email=email,
        full_name=full_name,
        address=address,
        password_hash=password_hash,
        granted=granted,
    )
    with nobody_elses(session):
        session.add(user)
    return user


@contextmanager
def nobody_elses(session: Session) -> Iterator[None]:
    """Taken, when the block gives somebody the phone number or the email of another; it alone is undone."""
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        if (taken := _UNIQUE.get(_constraint(error))) is None:
            raise
        field, named = taken
        raise Taken(field, f"somebody is registered with this {named} already") from None


_UNIQUE = {"uq_users_email": ("email", "email"), "uq_users_phone": ("phone_number", "phone number")}


def _constraint(error: IntegrityError) -> str:
    assert isinstance(error.orig, psycopg.Error)
    return error.orig.diag.constraint_name or ""


def owns(subject: str) -> ColumnElement[bool]:
    """Whose phone number in E.164 this is, or whose email address, whatever its case."""
    return User.phone == subject if is_phone(subject) else func.lower(User.email) == func.lower(subject)


def find_user(session: Session, subject: str) -> User | None:
    """The account of a phone number or an email address, with its roles."""
    return session.scalar(select(User).where(owns(subject)).options(selectinload(User.granted)))


def find_person(session: Session, user: uuid.UUID, *, session_id: uuid.UUID | None = None) -> Person | None:
    """Somebody as of now, blocked or not; nobody where the login that is named has ended."""
    wanted = select(User).where(User.uuid == user).options(selectinload(User.granted))
    if session_id is not None:
        wanted = wanted.join(LoginSession, LoginSession.user_id == User.id).where(
            LoginSession.id == session_id, LoginSession.ended_at.is_(None)
        )
    row = session.scalar(wanted)
    return None if row is None else _person(row, session_id)


def find_people(session: Session, users: Iterable[uuid.UUID]) -> dict[uuid.UUID, Person]:
    """Several people as of now; who is gone is missing."""
    rows = session.scalars(select(User).where(User.uuid.in_(users)).options(selectinload(User.granted)))
    return {row.uuid: _person(row) for row in rows}


def _person(user: User, session_id: uuid.UUID | None = None) -> Person:
    return Person(
        id=user.id,
        uuid=user.uuid,
        active=user.status == UserStatus.ACTIVE,
        roles=frozenset(each.role for each in user.granted),
        regions=None if user.alert_regions is None else frozenset(user.alert_regions),
        session_id=session_id,
    )
