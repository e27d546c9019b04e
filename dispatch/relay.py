"""The process that reacts: claims facts and due timers, and does what follows from them."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.orm import Session

from broker import process
from db import outbox, work
from db.bell import Bell
from db.models import Fact, Timer
from db.models.work import Work
from db.session import TRANSIENT, Database
from db.turns import take_turns
from dispatch import reactions
from dispatch.geofences import watch
from dispatch.sos import turnout, watching

log = structlog.get_logger()

_WAIT_S = 0.5
"""How late a timer may be noticed; a fact rings the bell."""

_LOOK_S = 1.0
"""How often it is looked where callers and helpers are, and whether a device crossed a fence."""

Seen = TypeVar("Seen")
W = TypeVar("W", bound=Work)
W_contra = TypeVar("W_contra", bound=Work, contravariant=True)


class Reaction(Protocol[W_contra]):
    """What follows from one item, in the transaction that closes it."""

    def __call__(self, session: Session, item: W_contra, /, *, at: datetime) -> None: ...


def main() -> None:
    """Run until told to stop."""
    database = Database(name="dispatch")
    with process.running("dispatch") as life, Bell(database.url, outbox.CHANNEL) as bell:
        look_at = time.monotonic()

        def take_turn() -> bool:
            nonlocal look_at
            more = turn(database, at=datetime.now(UTC))
            if time.monotonic() >= look_at:
                look_at_people(database, at=datetime.now(UTC))
                left = look_at_fences(database, at=datetime.now(UTC))
                # Calls for help come first: between two looks there is always a turn for them.
                look_at = time.monotonic() + (0.0 if left else _LOOK_S)
                more = more or left
            return more

        take_turns(take_turn, bell, wait_s=_WAIT_S, stopping=life.stopping, beat=life.beat)
    database.close()


def turn(database: Database, *, at: datetime) -> bool:
    """React to all that is due now; true when there was anything."""
    timers = react(database, Timer, reactions.to_timer, of_orders=False, at=at)
    facts = react(database, Fact, reactions.to_fact, of_orders=False, at=at)
    return timers or facts


def look_at_people(database: Database, *, at: datetime) -> None:
    """See where callers are and who of them fell silent, and whether those who said yes are coming."""
    _look_at_each(database, watching.look, watching.take, at)
    _look_at_each(database, turnout.look, turnout.attend, at)


def _look_at_each(
    database: Database,
    look: Callable[..., Sequence[Seen]],
    attend: Callable[..., object],
    at: datetime,
) -> None:
    """Look after each that is seen in a transaction of its own, so that none of them stops another."""
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


def look_at_fences(database: Database, *, at: datetime) -> bool:
    """Write down who crossed a fence; true when more is left. Whatever goes wrong here stops nothing else."""
    try:
        with database.transaction() as session:
            watch.adjust(session)
        with database.transaction() as session:
            return watch.look(session, at=at)
    except TRANSIENT:
        raise
    except Exception:
        log.exception("fences were not looked at")
        return False


def react(database: Database, kind: type[W], reaction: Reaction[W], *, of_orders: bool, at: datetime) -> bool:
    """Do what follows from each item that is due; true when there was anything."""
    with database.transaction() as session:
        claimed = work.claim(session, kind, of_orders=of_orders, at=at)
    for item in claimed:
        try:
            with database.transaction() as session:
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


def _put_back(database: Database, item: Work, error: Exception, at: datetime) -> None:
    with database.transaction() as session:
        work.retry_later(session, item, error=f"{type(error).__name__}: {error}", at=at)


if __name__ == "__main__":
    main()
