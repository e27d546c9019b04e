"""Working off what is due, in small transactions, so that nothing that fails stops anything else."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from db import work
from db.models import Fact, Timer
from db.models.work import Work
from db.session import TRANSIENT, Database

log = structlog.get_logger()

Seen = TypeVar("Seen")
W = TypeVar("W", bound=Work)
W_contra = TypeVar("W_contra", bound=Work, contravariant=True)


MOST = 20
"""So many timers, and so many facts, are taken at once."""


class Reaction(Protocol[W_contra]):
    """What follows from one item, in the transaction that closes it."""

    def __call__(self, session: Session, item: W_contra, /, *, at: datetime) -> None: ...


class ReactionToSeveral(Protocol[W_contra]):
    """What follows from items about one subject, in the transaction that closes them."""

    def __call__(self, session: Session, items: Sequence[W_contra], /, *, at: datetime) -> None: ...


def claim(database: Database, *, of_orders: bool, at: datetime) -> tuple[Sequence[Timer], Sequence[Fact]]:
    """Take what is due, for calls for help or for orders; most often that is nothing, or little."""
    with database.transaction() as session:
        timers = work.claim(session, Timer, of_orders=of_orders, limit=MOST, at=at)
        facts = work.claim(session, Fact, of_orders=of_orders, limit=MOST, at=at)
    return timers, facts


def react(
    database: Database,
    items: Sequence[W],
    reaction: Reaction[W],
    *,
    hold: Callable[[Session, W], object] = lambda *_: None,
    at: datetime,
) -> None:
    """Do what follows from each of these items.

    `hold` holds what the item is of before the item itself, as verbs do: so neither waits for the other.
    """
    for item in items:
        try:
            with database.transaction() as session:
                hold(session, item)
                # The cause is closed before its effects: a timer may set the next of its own kind.
                work.finish(session, item, at=at)
                reaction(session, item, at=at)
        except work.LeaseLost:
            log.info("somebody else took it", what=type(item).__name__, id=item.id)
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("reaction failed", what=type(item).__name__, id=item.id, kind=item.kind)
            _put_back(database, item, error, at)


def react_together(
    database: Database, items: Sequence[W], reaction: ReactionToSeveral[W], *, at: datetime
) -> None:
    """Do what follows from these items, those of one subject at once; where that fails, from each alone."""

    def alone(session: Session, item: W, /, *, at: datetime) -> None:
        reaction(session, [item], at=at)

    by_subject: dict[UUID, list[W]] = {}
    for item in items:
        by_subject.setdefault(item.subject, []).append(item)
    for several in by_subject.values():
        if len(several) > 1:
            try:
                with database.transaction() as session:
                    work.finish(session, *several, at=at)
                    reaction(session, several, at=at)
                continue
            except TRANSIENT:
                raise
            except Exception as error:
                log.info("not reacted to together", subject=str(several[0].subject), error=str(error))
        react(database, several, alone, at=at)


def look_at_each(
    database: Database,
    look: Callable[..., Sequence[Seen]],
    attend: Callable[..., object],
    *,
    at: datetime,
) -> None:
    """Look after each that is seen; whatever goes wrong here stops nothing else."""
    try:
        with database.transaction() as session:
            seen = look(session, at=at)
    except TRANSIENT:
        raise
    except Exception:
        log.exception("not looked at", what=look.__module__)
        return
    for each in seen:
        try:
            with database.transaction() as session:
                attend(session, each, at=at)
        except TRANSIENT:
            raise
        except Exception:
            log.exception("not looked after", what=attend.__module__, which=str(each))


def _put_back(database: Database, item: Work, error: Exception, at: datetime) -> None:
    with database.transaction() as session:
        work.retry_later(session, item, error=f"{type(error).__name__}: {error}", at=at)
