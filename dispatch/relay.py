"""The process that reacts: claims facts and due timers, and does what follows from them."""

import time
from datetime import UTC, datetime

import structlog

from broker import process
from db import outbox
from db.bell import Bell
from db.session import TRANSIENT, Database
from db.turns import take_turns
from dispatch import reactions
from dispatch.geofences import watch
from dispatch.reacting import MOST, claim, look_at_each, react, react_together
from dispatch.sos import turnout, watching

log = structlog.get_logger()

_WAIT_S = 0.5
"""How late a timer may be noticed; a fact rings the bell."""

_LOOK_S = 1.0
"""How often it is looked where callers and helpers are, and whether a device crossed a fence."""


def main() -> None:
    """Run until told to stop."""
    database = Database(name="dispatch", tries_again=True)
    with process.running("dispatch") as life, Bell(database.url, outbox.CHANNEL) as bell:
        look_at = time.monotonic()

        def take_turn() -> bool:
            nonlocal look_at
            # What its own reactions ask for rings as well: only where it took all it may, it looks again.
            more = turn(database, at=datetime.now(UTC)) >= MOST
            if time.monotonic() >= look_at:
                look_at_people(database, at=datetime.now(UTC))
                left = look_at_fences(database, at=datetime.now(UTC))
                # Calls for help come first: between two looks there is always a turn for them.
                look_at = time.monotonic() + (0.0 if left else _LOOK_S)
                more = more or left
            return more

        take_turns(take_turn, bell, wait_s=_WAIT_S, stopping=life.stopping, beat=life.beat)
    database.close()


def turn(database: Database, *, at: datetime) -> int:
    """React to what is due now, up to `MOST` timers and as many facts; says how many there were of either."""
    timers, facts = claim(database, of_orders=False, at=at)
    react(database, timers, reactions.to_timer, hold=reactions.hold, at=at)
    react_together(database, facts, reactions.to_facts, at=at)
    return max(len(timers), len(facts))


def look_at_people(database: Database, *, at: datetime) -> None:
    """See where callers are and who of them fell silent, and whether those who said yes are coming."""
    look_at_each(database, watching.look, watching.take, at=at)
    look_at_each(database, turnout.look, turnout.attend, at=at)


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


if __name__ == "__main__":
    main()
