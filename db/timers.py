"""Durable timers: rows, not sleeping processes; a restart resumes them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from db.models.work import Timer
from db.states import WorkStatus


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
