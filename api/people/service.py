"""What admins do to accounts; each act leaves a line in the audit log."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session, selectinload

from api.accounts import second_factor, sessions
from api.people import desks
from api.refusals import WrongField
from broker.topics import DEFAULT_REGION
from db import audit
from db.audit import Actor
from db.models import Region, User, UserRole
from db.states import Role, UserStatus
from dispatch.errors import Conflict, NotFound
from dispatch.fleet import shifts
from dispatch.fleet.rules import Ended


class LastAdmin(Conflict):
    """Somebody must be left who can grant roles."""

    code = "last_admin"

    def __init__(self) -> None:
        super().__init__("this is the last active admin; grant somebody else the role first")


def list_users(
    session: Session,
    *,
    search: str | None = None,
    role: Role | None = None,
    status: UserStatus | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> Sequence[User]:
    """Newest first; `search` is part of a name, a phone number or an email address."""
    wanted = select(User).options(selectinload(User.granted))
    if search:
        fields = (User.full_name, User.phone, User.email)
        wanted = wanted.where(or_(*(field.icontains(search, autoescape=True) for field in fields)))
    if role is not None:
        wanted = wanted.where(User.granted.any(UserRole.role == role))
    if status is not None:
        wanted = wanted.where(User.status == status)
    if before is not None:
        wanted = wanted.where(tuple_(User.created_at, User.id) < before)
    return session.scalars(wanted.order_by(User.created_at.desc(), User.id.desc()).limit(limit)).all()


def get_user(session: Session, user: uuid.UUID) -> User:
    """An account with its roles."""
    return _found(session.scalar(select(User).where(User.uuid == user).options(selectinload(User.granted))))


def lock_user(session: Session, user: uuid.UUID) -> User:
    """The same, held until the end of the transaction."""
    held = select(User).where(User.uuid == user).with_for_update(key_share=True)
    return _found(session.scalar(held.options(selectinload(User.granted)), execution_options=_AFRESH))


_AFRESH = {"populate_existing": True}


def grant_role(session: Session, user: uuid.UUID, role: Role, *, actor: Actor, at: datetime) -> User:
    """Let somebody be this as well; said again, it changes nothing."""
    held = lock_user(session, user)
    if any(each.role == role for each in held.granted):
        return held
    held.granted.append(UserRole(role=role, granted_by=actor.id, granted_at=at))
    audit.record(session, actor, "role.granted", subject=("user", user), at=at, role=role)
    desks.settle(session, held, actor=actor, at=at)
    return held


def take_role(session: Session, user: uuid.UUID, role: Role, *, actor: Actor, at: datetime) -> User:
    """Let somebody be this no longer; said again, it changes nothing."""
    admins = _lock_admins(session)
    held = lock_user(session, user)
    lost = next((each for each in held.granted if each.role == role), None)
    if lost is None:
        return held
    if role == Role.ADMIN and admins == {held.id}:
        raise LastAdmin
    held.granted.remove(lost)
    audit.record(session, actor, "role.taken", subject=("user", user), at=at, role=role)
    if role == Role.DRIVER:
        _end_shift(session, held, Ended.NO_DRIVER, at=at)
    desks.settle(session, held, actor=actor, at=at)
    return held


def block(session: Session, user: uuid.UUID, *, actor: Actor, at: datetime) -> User:
    """Shut somebody out and end all their logins; their devices go on, for a call for help is a call."""
    admins = _lock_admins(session)
    held = lock_user(session, user)
    if admins == {held.id}:
        raise LastAdmin
    if held.status == UserStatus.BLOCKED:
        return held
    held.status = UserStatus.BLOCKED
    ended = sessions.end_all(session, held.id, at=at)
    audit.record(session, actor, "user.blocked", subject=("user", user), at=at, sessions_ended=ended)
    _end_shift(session, held, Ended.BLOCKED, at=at)
    desks.settle(session, held, actor=actor, at=at)
    return held


def unblock(session: Session, user: uuid.UUID, *, actor: Actor, at: datetime) -> User:
    """Let somebody log in again; what ended with the block stays ended."""
    held = lock_user(session, user)
    if held.status == UserStatus.BLOCKED:
        held.status = UserStatus.ACTIVE
        audit.record(session, actor, "user.unblocked", subject=("user", user), at=at)
    return held


def remove_second_factor(session: Session, user: uuid.UUID, *, actor: Actor, at: datetime) -> None:
    """Let somebody who lost app and recovery codes in with the password alone, until enrolled anew."""
    held = lock_user(session, user)
    if second_factor.remove(session, held.id):
        audit.record(session, actor, "second_factor.removed", subject=("user", user), at=at)


def set_regions(
    session: Session, user: uuid.UUID, regions: Sequence[str] | None, *, actor: Actor, at: datetime
) -> User:
    """Name the regions whose calls a dispatcher sees, beside the default one; None means all."""
    held = lock_user(session, user)
    wanted = None if regions is None else sorted(set(regions))
    known = list_regions(session)
    if unknown := sorted(set(wanted or ()) - set(known)):
        raise WrongField("regions", f"there is no region {unknown[0]}; there are {', '.join(known)}")
    if held.alert_regions != wanted:
        before, held.alert_regions = held.alert_regions, wanted
        audit.record(session, actor, "regions.set", subject=("user", user), at=at, before=before, now=wanted)
        desks.settle(session, held, actor=actor, at=at)
    return held


def list_regions(session: Session) -> Sequence[str]:
    """Every region by its slug."""
    return session.scalars(select(Region.slug).order_by(Region.slug)).all()


def find_unwatched(session: Session) -> list[str]:
    """Regions that no active dispatcher watches: their calls are seen by admins alone."""
    session.flush()
    watching = session.scalars(
        select(User.alert_regions).where(
            User.status == UserStatus.ACTIVE, User.granted.any(UserRole.role == Role.DISPATCHER)
        )
    ).all()
    if any(regions is None for regions in watching):
        return []
    watched = {DEFAULT_REGION}.union(*(regions or () for regions in watching))
    return [slug for slug in list_regions(session) if slug not in watched]


def _lock_admins(session: Session) -> set[int]:
    """The active admins, held: two of them cannot shut each other out at the same time."""
    roles = select(UserRole.user_id).where(UserRole.role == Role.ADMIN).order_by(UserRole.user_id)
    session.execute(roles.with_for_update())
    # Asked again: what another transaction did until it let go is seen only now.
    active = roles.join(User, User.id == UserRole.user_id).where(User.status == UserStatus.ACTIVE)
    return set(session.scalars(active))


def _found(user: User | None) -> User:
    if user is None:
        raise NotFound("there is no such user")
    return user


def _end_shift(session: Session, user: User, why: Ended, *, at: datetime) -> None:
    """Whoever can come no more is asked no more."""
    if shifts.find_open(session, user.id) is not None:
        shifts.end(session, user.id, why=why, at=at)
