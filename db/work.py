"""Durable work: claimed with SKIP LOCKED under a lease, finished in the transaction of its effects."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, CursorResult, exists, func, not_, or_, select, true, update
from sqlalchemy.orm import Session, aliased

from db.models.work import Work
from db.states import WorkStatus

LEASE = timedelta(seconds=5)

ORDERS = "order."
"""What begins so is of orders: others do it than those who do it for calls for help, whom no flood delays."""

_FIRST_RETRY = timedelta(seconds=0.5)
_LONGEST_RETRY = timedelta(seconds=30)


W = TypeVar("W", bound=Work)


def of_orders(kind: str) -> str:
    """What this kind of work is called where an order asks for it."""
    return f"{ORDERS}{kind}"


def plain(kind: str) -> str:
    """What is done, whoever asks for it."""
    return kind.removeprefix(ORDERS)


class LeaseLost(Exception):
    """The item was claimed by another worker meanwhile; whatever was done for it must be rolled back."""


def claim(
    session: Session,
    kind: type[W],
    *,
    at: datetime,
    kinds: Collection[str] | None = None,
    of_orders: bool | None = None,
    apart: bool = False,
    limit: int = 20,
    lease: timedelta = LEASE,
) -> Sequence[W]:
    """Take up to `limit` due items, of these kinds or of all, for the lease; the longest waiting first.

    `of_orders` says whether only what orders ask for is taken, or only all else; `apart` leaves what is about
    a subject that another worker is busy with.
    """
    if apart:
        # One after the other: two who claim at the same moment would not see what the other takes.
        whose = f"claimed apart: {kind.__name__}"
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(whose, 0))))
    is_of_orders = kind.kind.startswith(ORDERS)
    due = (
        select(kind.id)
        .where(
            kind.status == WorkStatus.WAITING,
            kind.due_at <= at,
            true() if kinds is None else kind.kind.in_(kinds),
            true() if of_orders is None else is_of_orders if of_orders else not_(is_of_orders),
            or_(kind.lease_until.is_(None), kind.lease_until < at),
            not_(_is_busy_with(kind, at)) if apart else true(),
        )
        .order_by(kind.due_at, kind.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
        # Looked up once: a join that looks again for each row finds the next in place of those it just took.
        .prefix_with("MATERIALIZED")
    )
    claimed = session.scalars(
        update(kind)
        .where(kind.id.in_(select(due.c.id)))
        .values(lease_until=at + lease, attempts=kind.attempts + 1)
        .returning(kind)
        .execution_options(synchronize_session=False)
    ).all()
    return sorted(claimed, key=lambda item: (item.due_at, item.id))


def _is_busy_with(kind: type[W], at: datetime) -> ColumnElement[bool]:
    same = aliased(kind)
    taken = (same.status == WorkStatus.WAITING, same.lease_until >= at)
    return exists().where(same.subject == kind.subject, same.kind == kind.kind, *taken)


def finish(session: Session, item: Work, *, at: datetime) -> None:
    """Mark a claimed item done; raises LeaseLost when it is no longer ours."""
    _close(session, item, status=WorkStatus.DONE, finished_at=at, lease_until=None, last_error=None)


def retry_later(
    session: Session, item: Work, *, error: str, at: datetime, after: timedelta | None = None
) -> None:
    """Put a claimed item back, to be due again after a pause: its own, or one that grows."""
    due_at = at + (pause(item.attempts) if after is None else after)
    _close(session, item, due_at=due_at, lease_until=None, last_error=error)


def give_up(session: Session, item: Work, *, error: str, at: datetime) -> None:
    """Mark a claimed item failed for good: trying again would not help."""
    _close(session, item, status=WorkStatus.FAILED, finished_at=at, lease_until=None, last_error=error)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts."""
    doublings: int = min(max(attempts - 1, 0), 16)
    return min(_FIRST_RETRY * float(2**doublings), _LONGEST_RETRY)


def _close(session: Session, item: Work, **values: object) -> None:
    table = type(item)
    result = session.execute(
        update(table)
        .where(table.id == item.id, table.status == WorkStatus.WAITING, table.attempts == item.attempts)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise LeaseLost(f"{table.__name__} {item.id}")
