"""Bringing processes to their end: in order, politely, and within a bound.

Standard library only: `down` must work without the virtual environment.
"""

import itertools
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ops.processes import left_behind
from ops.state import Condition, Record

Tell = Callable[[str], None]
_LOOK_EVERY_S = 0.02


def stop(records: Iterable[Record], *, tell: Tell, reap: Callable[[], None] = lambda: None) -> None:
    """Stop the last stage first, each stage at once; what does not go in its time is killed."""
    alive = sorted((record for record in records if record.is_alive), key=lambda record: -record.stage)
    for _, stage in itertools.groupby(alive, key=lambda record: record.stage):
        _stop_together(list(stage), tell, reap)


def sweep(home: Path, *, tell: Tell) -> None:
    """Kill what a process of this home left behind, such as the children of a worker that was killed."""
    for identity in left_behind(home):
        tell(f"ending the left-over process {identity.pid}")
        identity.send(signal.SIGKILL)


def _stop_together(stage: list[Record], tell: Tell, reap: Callable[[], None]) -> None:
    tell(f"stopping {', '.join(record.name for record in stage)}")
    began = time.monotonic()
    for record in stage:
        _send(record, record.stop_signal)
    killed: set[str] = set()
    while waiting := [record for record in stage if record.is_alive]:
        for record in waiting:
            if time.monotonic() - began > record.stop_within_s and record.name not in killed:
                tell(f"{record.name} did not stop in {record.stop_within_s:.0f} s: killing it")
                _send(record, signal.SIGKILL)
                killed.add(record.name)
        time.sleep(_LOOK_EVERY_S)
        reap()
    for record in stage:
        record.condition = Condition.STOPPED
        record.identity = None


def _send(record: Record, number: signal.Signals) -> None:
    if record.identity is not None:
        record.identity.send(number)
        # A stopped process would sit on its end until somebody continues it.
        record.identity.send(signal.SIGCONT)
