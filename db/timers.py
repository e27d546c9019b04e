"""Durable timers: rows, not sleeping processes; a restart resumes them."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from db.models.work import Timer
from db.states import WorkStatus

INCIDENT_STEPS = ("countdown", "escalation", "helpers_asked", "ack_lease", "scene_check")
"""The timers that are the next step of an incident; whom an escalation asks stands in its payload."""


def set_timer(
    session: Session, subject: uuid.UUID, kind: str, *, due_at: datetime, at: datetime, **payload: Any
) -> None:
    """Ask for `kind` to be done at `due_at`, in place of one of that kind that still waits."""
    cancel(session, subject, kind, at=at)
    set_first(session, subject, kind, due_at=due_at, at=at, **payload)
    session.flush()


def set_first(
    session: Session, subject: uuid.UUID, kind: str, *, due_at: datetime, at: datetime, **payload: Any
) -> None:
    """The same for a subject that is new, so that none of the kind can wait already."""
    session.add(Timer(kind=kind, subject=subject, payload=payload, created_at=at, due_at=due_at))


def find_waiting(session: Session, subject: uuid.UUID, kind: str) -> Timer | None:
    """The one of this kind that waits for the subject."""
    return session.scalar(
        select(Timer).where(Timer.subject == subject, Timer.kind == kind, Timer.status == WorkStatus.WAITING)
    )


def find_next(
    session: Session, subjects: Collection[uuid.UUID], kinds: Collection[str]
) -> dict[uuid.UUID, Timer]:
    """Of each subject the timer of these kinds that is due first; who waits for none is missing."""
    first = (
        select(Timer)
        .where(Timer.subject.in_(subjects), Timer.kind.in_(kinds), Timer.status == WorkStatus.WAITING)
        .ext(distinct_on(Timer.subject))
        .order_by(Timer.subject, Timer.due_at, Timer.id)
    )
    return {timer.subject: timer for timer in session.scalars(first)}


def cancel(session: Session, subject: uuid.UUID, *kinds: str, at: datetime) -> None:
    """Let timers of these kinds, or all of the subject's when none is named, never fire."""
    waiting = update(Timer).where(Timer.subject == subject, Timer.status == WorkStatus.WAITING)
    if kinds:
        waiting = waiting.where(Timer.kind.in_(kinds))
    session.execute(
        waiting.values(status=WorkStatus.CANCELLED, finished_at=at).execution_options(
            synchronize_session=False
        )
    )
