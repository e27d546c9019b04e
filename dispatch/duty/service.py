"""Writing the schedule of those who can be woken; each change leaves a line in the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload, selectinload

from broker.topics import may_see_region
from db import audit
from db.audit import Actor
from db.models import Duty, Region, User
from db.states import DutyKind, Role
from dispatch.duty.queries import DESK
from dispatch.duty.rules import find_zone
from dispatch.errors import NotFound, WrongFields


@dataclass(frozen=True, slots=True)
class Draft:
    """A duty as somebody wants it; without a region it is for every one that the person watches."""

    user: UUID
    kind: DutyKind
    weekdays: Sequence[int]
    from_minute: int
    to_minute: int
    timezone: str
    region: str | None = None
    since: date | None = None
    until: date | None = None


def list_duties(session: Session, *, user: UUID | None = None) -> Sequence[Duty]:
    """All duties, or those of one person, in the order in which they were written."""
    wanted = select(Duty).join(Duty.user).options(contains_eager(Duty.user)).order_by(Duty.id)
    return session.scalars(wanted if user is None else wanted.where(User.uuid == user)).all()


def get_duty(session: Session, duty: UUID) -> Duty:
    """One duty with its person."""
    found = session.scalar(select(Duty).where(Duty.uuid == duty).options(joinedload(Duty.user)))
    if found is None:
        raise NotFound("there is no such duty")
    return found


def create(session: Session, draft: Draft, *, actor: Actor, at: datetime) -> Duty:
    """Put somebody on duty."""
    duty = Duty(created_at=at)
    _apply(session, duty, draft)
    session.add(duty)
    session.flush()
    _audit(session, "duty.created", duty, actor, at, now=_content(duty))
    return duty


def replace(session: Session, duty: UUID, draft: Draft, *, actor: Actor, at: datetime) -> Duty:
    """Change all of a duty."""
    held = get_duty(session, duty)
    before = _content(held)
    _apply(session, held, draft)
    session.flush()
    if before != _content(held):
        _audit(session, "duty.changed", held, actor, at, before=before, now=_content(held))
    return held


def remove(session: Session, duty: UUID, *, actor: Actor, at: datetime) -> None:
    """Take a duty off somebody."""
    held = get_duty(session, duty)
    _audit(session, "duty.removed", held, actor, at, before=_content(held))
    session.delete(held)


def _apply(session: Session, duty: Duty, draft: Draft) -> None:
    wrong: dict[str, str] = {}
    person = session.scalar(select(User).where(User.uuid == draft.user).options(selectinload(User.granted)))
    if person is None:
        wrong["user"] = "there is no such user"
    elif not any(each.role in DESK for each in person.granted):
        wrong["user"] = "must be a dispatcher or an admin: others do not see calls for help"
    if draft.region is not None:
        regions = session.scalars(select(Region.slug).order_by(Region.slug)).all()
        if draft.region not in regions:
            wrong["region"] = f"there is no region {draft.region}; there are {', '.join(regions[:20])}"
        elif person is not None and not wrong and not may_see_region(_watched(person), draft.region):
            wrong["region"] = "is none that this dispatcher watches"
    if find_zone(draft.timezone) is None:
        wrong["timezone"] = "must be a time zone, such as Asia/Tashkent"
    if draft.since is not None and draft.until is not None and draft.until < draft.since:
        wrong["until"] = "must not be before since"
    if wrong or person is None:
        raise WrongFields(wrong)
    duty.user = person
    duty.kind, duty.region = draft.kind, draft.region
    duty.weekdays = sorted(set(draft.weekdays))
    duty.from_minute, duty.to_minute, duty.timezone = draft.from_minute, draft.to_minute, draft.timezone
    duty.since, duty.until = draft.since, draft.until


def _watched(person: User) -> list[str] | None:
    is_admin = any(each.role == Role.ADMIN for each in person.granted)
    return None if is_admin else person.alert_regions


def _content(duty: Duty) -> dict[str, Any]:
    names = ("kind", "region", "weekdays", "from_minute", "to_minute", "timezone")
    days = {name: str(day) if (day := getattr(duty, name)) else None for name in ("since", "until")}
    return {"user": str(duty.user.uuid)} | {name: getattr(duty, name) for name in names} | days


def _audit(session: Session, action: str, duty: Duty, actor: Actor, at: datetime, **detail: Any) -> None:
    audit.record(session, actor, action, subject=("duty", duty.uuid), at=at, **detail)
