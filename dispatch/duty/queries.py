"""Who is on duty now, and who is woken where nobody is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session, contains_eager

from broker.topics import DEFAULT_REGION
from db.models import Duty, User, UserRole
from db.states import DutyKind, Role, UserStatus
from dispatch.duty.rules import is_on_duty

DESK = (Role.DISPATCHER, Role.ADMIN)

_INSTEAD = {DutyKind.DISPATCHER: DESK, DutyKind.SUPERVISOR: (Role.ADMIN,)}
"""Who is woken where nobody is on duty."""


@dataclass(frozen=True, slots=True)
class Woken:
    """Those to wake; `why` where it is not by the schedule."""

    people: Sequence[User]
    why: str = ""


def whom_to_wake(session: Session, kind: DutyKind, region: str, *, at: datetime) -> Woken:
    """Who is on duty; where nobody is, everybody who could be, for it must not be nobody."""
    people = on_duty(session, kind, region, at=at)
    if people:
        return Woken(people)
    return Woken(list_desks(session, region, _INSTEAD[kind]), f"no {kind} is on duty: all were asked")


def on_duty(session: Session, kind: DutyKind, region: str, *, at: datetime) -> Sequence[User]:
    """Who has such a duty in the region at this moment and may see its calls; each once."""
    duties = session.scalars(
        select(Duty)
        .join(Duty.user)
        .options(contains_eager(Duty.user))
        .where(Duty.kind == kind, or_(Duty.region.is_(None), Duty.region == region), _may_see(region))
        .order_by(Duty.id)
    )
    return list({duty.user_id: duty.user for duty in duties if is_on_duty(duty, at)}.values())


def list_desks(session: Session, region: str, roles: Iterable[Role] = DESK) -> Sequence[User]:
    """Every active person of these roles who sees the calls of a region."""
    return session.scalars(select(User).where(_may_see(region, roles)).order_by(User.id)).all()


def _may_see(region: str, roles: Iterable[Role] = DESK) -> ColumnElement[bool]:
    is_admin = User.granted.any(UserRole.role == Role.ADMIN)
    watches = or_(is_admin, User.alert_regions.is_(None), User.alert_regions.contains([region]))
    everybodys = true() if region == DEFAULT_REGION else watches
    return (User.status == UserStatus.ACTIVE) & User.granted.any(UserRole.role.in_(list(roles))) & everybodys
