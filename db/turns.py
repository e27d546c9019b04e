"""The loop of a process that works off rows: a turn, a beat, and a wait for the bell."""

import threading
from collections.abc import Callable

import structlog

from db.bell import Bell
from db.session import TRANSIENT

log = structlog.get_logger()


def take_turns(
    turn: Callable[[], bool],
    bell: Bell,
    *,
    wait_s: float,
    stopping: threading.Event,
    beat: Callable[[], None] = lambda: None,
) -> None:
    """Take turns until told to stop: the next at once where one left more to do, else when the bell rings.

    A database that is away stops nothing; any other error ends the loop.
    """
    while not stopping.is_set():
        try:
            more = turn()
        except TRANSIENT as error:
            log.warning("database is away", error=str(error).strip())
            more = False
        beat()
        if not more:
            bell.wait(wait_s)
