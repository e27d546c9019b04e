"""Durable work: claimed with SKIP LOCKED under a lease, finished in the transaction of its effects."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import CursorResult, Table, TextClause, func, inspect, select, text, tuple_, update
from sqlalchemy.orm import Session

from db.models.work import Work
from db.states import WorkStatus

LEASE = timedelta(seconds=5)

ORDERS = "order."
"""What begins so is of orders: others do it than those who do it for calls for help, whom no flood delays."""

_FIRST_RETRY = timedelta(seconds=0.5)
_LONGEST_RETRY = timedelta(seconds=30)


W = TypeVar("W", bound=Work)

# That it waits is spelled out: so the index of what waits serves, whatever else is asked. What is due is
# looked up once: a join that looks again for each row finds the next in place of those it just took.
_CLAIM = """
    WITH due AS MATERIALIZED (
        SELECT id FROM {table} item
        WHERE status = 'waiting' AND due_at <= :at
          AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY (CAST(:kinds AS text[])))
          AND starts_with(kind, :orders) = coalesce(:of_orders, starts_with(kind, :orders))
          AND (lease_until IS NULL OR lease_until < :at)
          AND NOT (CAST(:apart AS boolean) AND EXISTS (
              SELECT FROM {table} same
              WHERE same.subject = item.subject AND same.kind = item.kind
                AND same.status = 'waiting' AND same.lease_until >= :at))
        ORDER BY due_at, id LIMIT :most
        FOR UPDATE OF item SKIP LOCKED)
    UPDATE {table} SET lease_until = :lease_until, attempts = attempts + 1
    WHERE id IN (SELECT id FROM due)
    RETURNING *
"""


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
    asked = {
        "at": at,
        "lease_until": at + lease,
        "kinds": None if kinds is None else list(kinds),
        "of_orders": of_orders,
        "orders": ORDERS,
        "apart": apart,
        "most": limit,
    }
    claimed = session.scalars(select(kind).from_statement(_claiming(_table(kind).name)), asked).all()
    return sorted(claimed, key=lambda item: (item.due_at, item.id))


@lru_cache
def _claiming(table: str) -> TextClause:
    """Made once: a turn that finds nothing, as most do, costs little more than to ask."""
    return text(_CLAIM.format(table=table))


def _table(kind: type[Work]) -> Table:
    table = inspect(kind).local_table
    assert isinstance(table, Table)
    return table


def finish(session: Session, *items: Work, at: datetime) -> None:
    """Mark claimed items of one kind done; raises LeaseLost when one of them is no longer ours."""
    _close(session, *items, status=WorkStatus.DONE, finished_at=at, lease_until=None, last_error=None)


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


def _close(session: Session, *items: Work, **values: object) -> None:
    kind = type(items[0])
    table = _table(kind)
    ours = tuple_(table.c.id, table.c.attempts).in_([(item.id, item.attempts) for item in items])
    result = session.execute(update(table).where(ours, table.c.status == WorkStatus.WAITING).values(**values))
    assert isinstance(result, CursorResult)
    if result.rowcount != len(items):
        raise LeaseLost(f"{kind.__name__} {', '.join(str(item.id) for item in items)}")
