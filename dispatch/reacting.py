"""Working off what is due: each item in a transaction of its own, so that none of them stops another."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.orm import Session

from db import work
from db.models.work import Work
from db.session import TRANSIENT, Database

log = structlog.get_logger()

Seen = TypeVar("Seen")
W = TypeVar("W", bound=Work)
W_contra = TypeVar("W_contra", bound=Work, contravariant=True)


class Reaction(Protocol[W_contra]):
    """What follows from one item, in the transaction that closes it."""

    def __call__(self, session: Session, item: W_contra, /, *, at: datetime) -> None: ...


def react(
    database: Database,
    kind: type[W],
    reaction: Reaction[W],
    *,
    hold: Callable[[Session, W], object] = lambda *_: None,
    of_orders: bool,
    at: datetime,
) -> bool:
    """Do what follows from each item that is due; true when there was anything.

    `hold` holds what the item is of before the item itself, as verbs do: so neither waits for the other.
    """
    with database.transaction() as session:
        claimed = work.claim(session, kind, of_orders=of_orders, at=at)
    for item in claimed:
        try:
            with database.transaction() as session:
                hold(session, item)
                # The cause is closed before its effects: a timer may set the next of its own kind.
                work.finish(session, item, at=at)
                reaction(session, item, at=at)
        except work.LeaseLost:
            log.info("somebody else took it", what=kind.__name__, id=item.id)
        except TRANSIENT:
            raise
        except Exception as error:
            log.exception("reaction failed", what=kind.__name__, id=item.id, kind=item.kind)
            _put_back(database, item, error, at)
    return bool(claimed)


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
