"""The process of orders: does what follows from them, and sees who falls silent."""

import time
from datetime import UTC, datetime

from broker import process
from db import outbox
from db.bell import Bell
from db.models import Fact, Timer
from db.session import Database
from db.turns import take_turns
from dispatch.orders import reactions, silence
from dispatch.reacting import look_at_each, react

_WAIT_S = 0.5
"""How late a timer may be noticed; a fact rings the bell."""

_LOOK_S = 1.0
"""How often it is looked whether drivers on the way are heard of."""


def main() -> None:
    """Run until told to stop."""
    database = Database(name="orders")
    with process.running("orders") as life, Bell(database.url, outbox.ORDERS) as bell:
        look_at = time.monotonic()

        def take_turn() -> bool:
            nonlocal look_at
            more = turn(database, at=datetime.now(UTC))
            if time.monotonic() >= look_at:
                look_at_each(database, silence.look, silence.attend, at=datetime.now(UTC))
                look_at = time.monotonic() + _LOOK_S
            return more

        take_turns(take_turn, bell, wait_s=_WAIT_S, stopping=life.stopping, beat=life.beat)
    database.close()


def turn(database: Database, *, at: datetime) -> bool:
    """React to all that is due now; true when there was anything."""
    timers = react(database, Timer, reactions.to_timer, hold=reactions.hold, of_orders=True, at=at)
    facts = react(database, Fact, reactions.to_fact, of_orders=True, at=at)
    return timers or facts


if __name__ == "__main__":
    main()
