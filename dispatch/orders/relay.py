"""The process of orders: does what follows from them, holds the rounds, and sees who falls silent."""

import time
from datetime import UTC, datetime

import structlog

from broker import process
from db import outbox
from db.bell import Bell
from db.session import TRANSIENT, Database
from db.turns import take_turns
from dispatch.fleet import lapses
from dispatch.matching.driver_scoring import Policy
from dispatch.matching.drivers import Standings
from dispatch.matching.settings import OrderSettings
from dispatch.orders import reactions, rounds, silence
from dispatch.reacting import claim, look_at_each, react

log = structlog.get_logger()

_WAIT_S = 0.5
"""How late a timer may be noticed; a fact rings the bell."""

_LOOK_S = 1.0
"""How often it is looked whether drivers on the way are heard of."""

_LOOK_AT_SHIFTS_S = 30.0
"""How often it is looked whose shift is over though nobody said so."""


def main() -> None:
    """Run until told to stop."""
    database = Database(name="orders", tries_again=True)
    policy, known = OrderSettings().policy(), Standings()
    with process.running("orders") as life, Bell(database.url, outbox.ORDERS) as bell:
        look_at = look_at_shifts = round_at = time.monotonic()

        def take_turn() -> bool:
            nonlocal look_at, look_at_shifts, round_at
            more = turn(database, at=datetime.now(UTC))
            if time.monotonic() >= round_at:
                left = look_for_drivers(database, policy, known, at=datetime.now(UTC))
                round_at = time.monotonic() + (0.0 if left else policy.window_s)
                more = more or left
            if time.monotonic() >= look_at:
                look_at_each(database, silence.look, silence.attend, at=datetime.now(UTC))
                look_at = time.monotonic() + _LOOK_S
            if time.monotonic() >= look_at_shifts:
                look_at_each(database, lapses.look, lapses.attend, at=datetime.now(UTC))
                look_at_shifts = time.monotonic() + _LOOK_AT_SHIFTS_S
            return more

        take_turns(take_turn, bell, wait_s=_WAIT_S, stopping=life.stopping, beat=life.beat)
    database.close()


def turn(database: Database, *, at: datetime) -> bool:
    """React to all that is due now; true when there was anything."""
    timers, facts = claim(database, of_orders=True, at=at)
    react(database, timers, reactions.to_timer, hold=reactions.hold, at=at)
    react(database, facts, reactions.to_fact, at=at)
    return bool(timers or facts)


def look_for_drivers(database: Database, policy: Policy, known: Standings, *, at: datetime) -> bool:
    """Hold a round; true when more is left. Whatever goes wrong stops nothing else, and is tried again."""
    try:
        return rounds.run(database, policy=policy, known=known, at=at).left > 0
    except TRANSIENT:
        raise
    except Exception:
        log.exception("no round was held")
        return False


if __name__ == "__main__":
    main()
