"""Brings a stack up and stays with it."""

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ops import servers
from ops.down import down
from ops.places import CHECKOUT, data_folder, owner, reachable
from ops.programs import last_words
from ops.progress import Progress
from ops.stack import Stack, make_home, state_of
from ops.state import Condition, Phase
from ops.trouble import Trouble

LOOK_EVERY_S = 0.1


def bring_up(home: Path, *, demo: bool) -> tuple[Stack, bool]:
    """A stack whose every process is ready, and whether it was so already."""
    with _one_at_a_time(home):
        _let_it_stop(home)
        state = state_of(home)
        stack = Stack.open(home)
        if stack is not None and state.is_supervised and state.phase is Phase.READY:
            return stack, True
        lived = stack is not None and state.is_running
        if stack is None or not lived:
            _tell_of_other_places(home)
            stack = Stack.decide(home, servers=servers.install(), demo=demo)
        try:
            _start(stack)
        except BaseException as error:
            # Half a stack helps nobody, but for one that lived before we came: that is not ours to end.
            if not (lived and isinstance(error, Trouble)):
                down(home)
            raise
    return stack, False


def attend(stack: Stack) -> None:
    """Stay until somebody ends it: Ctrl-C, a closed terminal, or `./mayday down` elsewhere."""
    # SIGINT too: whoever was started in the background of a script inherits that it is ignored.
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _as_interrupt)
    try:
        while True:
            supervisor = state_of(stack.home).supervisor
            if supervisor is not None and supervisor.is_alive():
                handle = os.pidfd_open(supervisor.pid)
                select.select([handle], [], [])
                os.close(handle)
            if state_of(stack.home).phase in (Phase.STOPPED, Phase.FAILED):
                return
            print("the supervisor died; another one takes over", file=sys.stderr)
            _start(stack)
    except KeyboardInterrupt:
        # A second Ctrl-C must not leave half of it running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        down(stack.home)


def _start(stack: Stack) -> None:
    with Progress("starting") as progress:
        supervisor = None
        if not state_of(stack.home).is_supervised:
            supervisor = _spawn_supervisor(stack.home)
        while True:
            state = state_of(stack.home)
            if state.is_supervised and state.phase is Phase.READY:
                return
            ended = supervisor.poll() is not None if supervisor else not state.is_supervised
            if ended:
                state = state_of(stack.home)
                said = last_words(stack.home / "logs/supervisor.log")
                raise Trouble(state.trouble or f"the supervisor ended: {said}")
            if state.is_supervised and state.trouble and state.phase is Phase.STARTING:
                raise Trouble(state.trouble)
            waiting = [
                record.name
                for record in state.records
                if record.condition not in (Condition.RUNNING, Condition.DONE)
            ]
            up = len(state.records) - len(waiting)
            progress.say(f"{up} of {len(state.records)}, waiting for {', '.join(waiting)}")
            time.sleep(LOOK_EVERY_S)


def _spawn_supervisor(home: Path) -> subprocess.Popen[bytes]:
    with (home / "logs/supervisor.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ops.supervise"],
            cwd=CHECKOUT,
            env=os.environ | {"MAYDAY_HOME": str(home), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _let_it_stop(home: Path) -> None:
    state = state_of(home)
    if state.is_supervised and state.phase is Phase.STOPPING:
        with Progress("it is being stopped, waiting"):
            while state_of(home).is_supervised:
                time.sleep(LOOK_EVERY_S)


def _tell_of_other_places(home: Path) -> None:
    if not reachable(home):
        why = f"the servers run as {owner().name}, who cannot reach {home}"
        print(f"{why}: their data is in {data_folder(home)}", file=sys.stderr)


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    make_home(home)
    lock = os.open(home, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with Progress("another ./mayday up is at work here, waiting"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _as_interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
