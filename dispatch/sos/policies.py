"""Policies of escalation: written by admins, the most particular one frozen into an incident that opens."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from db import audit
from db.audit import Actor
from db.models import Incident, Policy, Region
from dispatch.errors import Conflict, NotFound, WrongFields
from dispatch.sos.steps import DEFAULT_NAME, DEFAULT_POLICY, DEFAULT_REPEAT_S, Step, find_faults


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy as somebody wants it; without a region or types it holds for all."""

    name: str
    steps: Sequence[Step]
    repeat_s: int = DEFAULT_REPEAT_S
    region: str | None = None
    types: Sequence[str] | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class Frozen:
    """What an incident keeps of a policy; of the built-in one there is no id."""

    name: str = DEFAULT_NAME
    steps: list[Step] = field(default_factory=lambda: list(DEFAULT_POLICY))
    repeat_s: int = DEFAULT_REPEAT_S
    id: UUID | None = None


def find_match(session: Session, *, region: str, type_: str) -> Frozen:
    """The policy of an incident that opens now: for its region and type, its region, its type, or all."""
    # Each call for help waits for this: one statement, and of the row only what is kept.
    matching = (
        select(Policy.name, Policy.steps, Policy.repeat_s, Policy.uuid)
        .where(
            Policy.active,
            or_(Policy.region.is_(None), Policy.region == region),
            or_(Policy.types.is_(None), Policy.types.contains([type_])),
        )
        .order_by(Policy.region.is_(None), Policy.types.is_(None), Policy.id)
        .limit(1)
    )
    row = session.execute(matching).first()
    return Frozen() if row is None else Frozen(*row)


def freeze(session: Session, incident: Incident) -> None:
    """Give an incident that opens its policy, which nobody changes any more."""
    found = find_match(session, region=incident.region, type_=incident.type)
    incident.policy, incident.policy_name, incident.repeat_s = list(found.steps), found.name, found.repeat_s


def list_policies(session: Session) -> Sequence[Policy]:
    """All of them, by name."""
    return session.scalars(select(Policy).order_by(Policy.name)).all()


def get_policy(session: Session, policy: UUID) -> Policy:
    """One policy."""
    found = session.scalar(select(Policy).where(Policy.uuid == policy))
    if found is None:
        raise NotFound("there is no such policy")
    return found


def create(session: Session, draft: Draft, *, actor: Actor, at: datetime) -> Policy:
    """Add a policy; incidents that open from now on may take it."""
    _lock_all(session)
    policy = Policy()
    _check(session, draft, apart_from=None)
    _apply(policy, draft, actor, at)
    session.add(policy)
    session.flush()
    _audit(session, "policy.created", policy, actor, at, now=_content(policy))
    return policy


def replace(session: Session, policy: UUID, draft: Draft, *, actor: Actor, at: datetime) -> Policy:
    """Change all of a policy; incidents that are open keep what they have."""
    _lock_all(session)
    held = get_policy(session, policy)
    _check(session, draft, apart_from=held.id)
    before = _content(held)
    _apply(held, draft, actor, at)
    session.flush()
    if before != _content(held):
        _audit(session, "policy.changed", held, actor, at, before=before, now=_content(held))
    return held


def remove(session: Session, policy: UUID, *, actor: Actor, at: datetime) -> None:
    """Take a policy away; incidents that are open keep what they have."""
    _lock_all(session)
    held = get_policy(session, policy)
    _audit(session, "policy.removed", held, actor, at, before=_content(held))
    session.delete(held)


class NameTaken(Conflict):
    """Another policy bears this name, or the house itself."""

    code = "taken"
    field = "name"


class Contested(Conflict):
    """Two active policies would hold for the same calls, and neither is the more particular one."""

    code = "contested"


def _lock_all(session: Session) -> None:
    """One change at a time: two that are each right may contradict each other."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('policies'))"))


def _check(session: Session, draft: Draft, *, apart_from: int | None) -> None:
    wrong = find_faults(draft.steps)
    if draft.region is not None:
        regions = session.scalars(select(Region.slug).order_by(Region.slug)).all()
        if draft.region not in regions:
            wrong["region"] = f"there is no region {draft.region}; there are {', '.join(regions[:20])}"
    if wrong:
        raise WrongFields(wrong)
    others = select(Policy).where(Policy.id.is_distinct_from(apart_from))
    taken = session.scalar(others.where(func.lower(Policy.name) == draft.name.lower()))
    if taken is not None or draft.name.lower() == DEFAULT_NAME:
        raise NameTaken(f"there is a policy {draft.name} already")
    if draft.active:
        _refuse_contest(session, draft, apart_from)


def _refuse_contest(session: Session, draft: Draft, apart_from: int | None) -> None:
    others = select(Policy).where(Policy.active, Policy.id.is_distinct_from(apart_from))
    rivals = others.where(Policy.region.is_not_distinct_from(draft.region))
    for rival in session.scalars(rivals.order_by(Policy.id)):
        if (rival.types is None) != (draft.types is None):
            continue
        shared = sorted(set(rival.types or ()) & set(draft.types or ()))
        if draft.types is None or shared:
            what = f"the types {', '.join(shared)}" if shared else "all types"
            where = f"region {draft.region}" if draft.region else "every region"
            raise Contested(f"{rival.name} is active for {what} in {where}: let only one of them be active")


def _apply(policy: Policy, draft: Draft, actor: Actor, at: datetime) -> None:
    policy.name, policy.region = draft.name, draft.region
    policy.types = None if draft.types is None else list(dict.fromkeys(draft.types))
    policy.steps, policy.repeat_s = [dict(step) for step in draft.steps], draft.repeat_s
    policy.active = draft.active
    policy.changed_at, policy.changed_by_id = at, actor.id


def _content(policy: Policy) -> dict[str, Any]:
    names = ("name", "region", "types", "steps", "repeat_s", "active")
    return {name: getattr(policy, name) for name in names}


def _audit(session: Session, action: str, policy: Policy, actor: Actor, at: datetime, **detail: Any) -> None:
    audit.record(session, actor, action, subject=("policy", policy.uuid), at=at, **detail)
