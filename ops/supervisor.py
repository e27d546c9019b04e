"""Keeps processes alive: starts them in order, again when they die or hang, and stops them in order.

Any process may be killed at any moment, this one too: its children live on, and the next one adopts them.
"""

import contextlib
import fcntl
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ops import state as stored
from ops import stopping
from ops.logs import rotate
from ops.processes import identify, left_behind
from ops.programs import Answer, Program, has_beaten, last_words, spawn
from ops.state import Condition, Phase, Record, State
from ops.trouble import Trouble

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0
LIVED_WELL_S = 30.0
TRIES_AT_FIRST = 5
ASK_EVERY_S = 10.0
ROTATE_EVERY_S = 5.0
UPKEEP_EVERY_S = 3600.0
FROZEN_S = 5.0


def wait_before_start(failures: int) -> float:
    """How long to wait before the next try, after so many deaths in a row."""
    return float(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** max(0, failures - 1)))


@dataclass
class Child:
    """One program and its present life."""

    program: Program
    record: Record
    process: subprocess.Popen[bytes] | None = None
    """Missing when it was adopted: then it is not ours to wait for."""
    handle: int | None = None
    born: float = 0.0
    failures: int = 0
    due: float = 0.0
    asked: Future[Answer] | None = None
    last_asked: float = 0.0
    last_sign: float = 0.0
    last_beat: float = 0.0
    was_ready: bool = False
    ended_with: int | None = field(default=None)

    @property
    def is_up(self) -> bool:
        return self.record.condition in (Condition.RUNNING, Condition.DONE)


class Supervisor:
    """Runs a table of programs until it is told to stop."""

    def __init__(self, programs: Sequence[Program], *, home: Path) -> None:
        self.home = home
        self.logs = home / "logs"
        self.state_file = home / "run/state.json"
        self.children = {program.name: Child(program, _fresh_record(program)) for program in programs}
        self.state = State(records=[child.record for child in self.children.values()])
        self._stopping = False
        self._took_over = False
        self._dirty = True
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self._askers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="ask")
        self._last_tick = time.monotonic()
        self._last_rotation = 0.0
        self._last_upkeep = time.monotonic()

    def run(self) -> None:
        """Bring everything up and keep it up; returns when all is stopped, raises when it cannot come up."""
        with _only_supervisor(self.home), self._signals():
            try:
                self._adopt()
                while not self._stopping:
                    self._tick()
            except Trouble as trouble:
                self._halt(Phase.FAILED, str(trouble))
                raise
            except BaseException as error:
                self._halt(Phase.FAILED, f"the supervisor failed: {error!r}; see ./mayday logs supervisor")
                raise
            self._halt(Phase.STOPPED, None)

    def stop(self) -> None:
        """Ask for the end; safe to call from a signal handler or another thread."""
        self._stopping = True
        self._wake()

    # --- one round ---------------------------------------------------------------------------------------

    def _tick(self) -> None:
        now = time.monotonic()
        if now - self._last_tick > FROZEN_S:
            # We were frozen ourselves, and so perhaps was everybody: silence proves nothing yet.
            for child in self.children.values():
                child.last_sign = now
        self._last_tick = now
        for child in self.children.values():
            self._look_after(child, now)
        if self.state.phase is Phase.STARTING and all(child.is_up for child in self.children.values()):
            self.state.phase, self.state.trouble = Phase.READY, None
            self._dirty = True
            self._tell("everything is ready")
        if now - self._last_rotation > ROTATE_EVERY_S:
            self._last_rotation = now
            rotate(self.logs)
        if now - self._last_upkeep > UPKEEP_EVERY_S:
            self._last_upkeep = now
            self._keep_up()
        self._save_if_changed()
        self._selector.select(self._patience(now))
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_read, 4096)

    def _look_after(self, child: Child, now: float) -> None:
        match child.record.condition:
            case Condition.WAITING:
                if all(self.children[name].is_up for name in child.program.after):
                    self._start(child, now)
            case Condition.RESTARTING:
                if now >= child.due:
                    self._start(child, now)
            case Condition.STARTING:
                if not self._is_alive(child):
                    self._bury(child, now)
                elif self._shows_ready(child, now):
                    self._welcome(child, now)
                elif now - child.born > child.program.ready_within_s and not child.program.once:
                    self._kill(child, f"was not ready in {child.program.ready_within_s:.0f} s")
            case Condition.RUNNING:
                if not self._is_alive(child):
                    self._bury(child, now)
                elif self._hangs(child, now):
                    self._kill(child, f"gave no sign of life for {child.program.hung_after_s:.0f} s")

    def _patience(self, now: float) -> float:
        """How long nothing needs to be looked at; deaths and answers wake us before."""
        conditions = {child.record.condition for child in self.children.values()}
        if Condition.STARTING in conditions or Condition.WAITING in conditions:
            return 0.05
        due = [c.due - now for c in self.children.values() if c.record.condition is Condition.RESTARTING]
        return max(0.0, min([1.0, *due]))

    def _keep_up(self) -> None:
        for child in self.children.values():
            try:
                number = child.program.upkeep()
            except Exception as error:
                self._tell(f"the upkeep of {child.program.name} failed: {error}")
                continue
            if number is not None and child.record.identity is not None:
                child.record.identity.send(number)

    # --- birth and death ---------------------------------------------------------------------------------

    def _start(self, child: Child, now: float) -> None:
        program, record = child.program, child.record
        self._sweep({program.name})
        record.condition = Condition.STARTING
        record.started_at = time.time()
        child.born = child.last_sign = now
        child.last_asked = child.last_beat = 0.0
        child.asked = child.ended_with = None

        def write_down(pid: int) -> None:
            record.identity = identify(pid)
            self._watch(child, pid)
            self._save()

        try:
            child.process = spawn(program, self._log(program), record=write_down)
        except OSError as error:
            self._tell(f"{program.name} cannot be started: {error}")
            child.process = record.identity = None
            self._plan_restart(child, now)

    def _welcome(self, child: Child, now: float) -> None:
        self._dirty = True
        child.record.condition = Condition.RUNNING
        child.last_sign = now
        child.was_ready = True
        self._tell(f"{child.program.name} is ready after {now - child.born:.1f} s")
        for other in self.children.values():
            # What failed for want of this one need not wait out its time.
            if other.record.condition is Condition.RESTARTING and child.program.name in other.program.after:
                other.due = now

    def _bury(self, child: Child, now: float) -> None:
        self._dirty = True
        self._unwatch(child)
        program, code = child.program, child.ended_with
        child.process = child.record.identity = None
        if program.once and code == 0:
            child.record.condition = Condition.DONE
            child.was_ready = True
            self._tell(f"{program.name} is done")
            return
        if now - child.born > LIVED_WELL_S:
            child.failures = 0
        child.failures += 1
        last = last_words(self._log(program))
        if not child.was_ready and (program.once or child.failures >= TRIES_AT_FIRST):
            trouble = f"{program.name} does not start: {last} (./mayday logs {program.name})"
            if not self._took_over:
                raise Trouble(trouble)
            # What was running when we came goes on; that one thing is missing must not end the rest.
            self.state.trouble = trouble
        self._plan_restart(child, now, _cause(code))

    def _plan_restart(self, child: Child, now: float, cause: str = "") -> None:
        wait = wait_before_start(child.failures)
        child.due = now + wait
        child.record.condition = Condition.RESTARTING
        child.record.restarts += 1
        self._dirty = True
        self._tell(f"{child.program.name} {cause or 'failed'}; it starts again in {wait:.1f} s")

    def _kill(self, child: Child, reason: str) -> None:
        self._tell(f"{child.program.name} {reason}: killing it")
        if child.record.identity is not None:
            child.record.identity.send(signal.SIGKILL)
        # Its death is noticed like any other; until then it is not killed again.
        child.last_sign = child.born = time.monotonic()

    def _is_alive(self, child: Child) -> bool:
        if child.process is not None:
            child.ended_with = child.process.poll()
            return child.ended_with is None
        return child.record.is_alive

    # --- signs of life -----------------------------------------------------------------------------------

    def _shows_ready(self, child: Child, now: float) -> bool:
        program = child.program
        if program.once:
            return False
        if program.beat is not None:
            return has_beaten(program, since=child.record.started_at)
        if program.ask is None:
            return True
        return self._answer(child, now, every_s=0.05, greet=True) is Answer.READY

    def _hangs(self, child: Child, now: float) -> bool:
        program = child.program
        if program.beat is not None:
            with contextlib.suppress(OSError):
                beat = program.beat.stat().st_mtime
                if beat != child.last_beat:
                    child.last_beat, child.last_sign = beat, now
        elif program.ask is not None:
            answer = self._answer(child, now, every_s=ASK_EVERY_S, greet=False)
            if answer in (Answer.READY, Answer.BUSY):
                child.last_sign = now
        else:
            return False
        return now - child.last_sign > program.hung_after_s

    def _answer(self, child: Child, now: float, *, every_s: float, greet: bool) -> Answer | None:
        """The answer that came meanwhile, if any; asking happens elsewhere, so that nobody waits for it."""
        program = child.program
        if child.asked is None:
            if now - child.last_asked >= every_s:
                child.last_asked = now
                child.asked = self._askers.submit(_ask, program, greet=greet)
                child.asked.add_done_callback(lambda _: self._wake())
            return None
        if not child.asked.done():
            return None
        asked, child.asked = child.asked, None
        try:
            return asked.result()
        except Trouble as trouble:
            if not child.was_ready:
                raise
            self._tell(str(trouble))
        except Exception as error:
            # It may die under our questions; that is told by its death, not by this.
            self._tell(f"{program.name} could not be asked: {error}")
        return Answer.SILENT

    # --- coming into a house that was lived in -----------------------------------------------------------

    def _adopt(self) -> None:
        former = stored.load(self.state_file)
        now = time.monotonic()
        foreign = []
        for record in former.records:
            child = self.children.get(record.name)
            if not record.is_alive:
                continue
            if child is None or child.program.once or record.fingerprint != child.record.fingerprint:
                foreign.append(record)
                continue
            assert record.identity is not None
            child.record.identity = record.identity
            child.record.started_at = record.started_at
            child.record.restarts = record.restarts
            child.record.condition = Condition.STARTING
            child.born = child.last_sign = now
            self._watch(child, record.identity.pid)
            self._took_over = True
            self._tell(f"{record.name} lives already as {record.identity.pid}: taking it over")
        self.state.phase = Phase.STARTING
        self.state.supervisor = identify(os.getpid())
        stopping.stop(foreign, tell=self._tell)
        self._sweep({name for name, child in self.children.items() if child.record.identity is None})
        self._save()

    def _sweep(self, names: set[str]) -> None:
        for identity, name in left_behind(self.home).items():
            if name in names:
                self._tell(f"{name} left the process {identity.pid} behind: ending it")
                identity.send(signal.SIGKILL)

    # --- the end -----------------------------------------------------------------------------------------

    def _halt(self, phase: Phase, trouble: str | None) -> None:
        self.state.phase = Phase.STOPPING
        self.state.trouble = trouble
        self._save()
        if trouble:
            self._tell(trouble)
        stopping.stop(self.state.records, tell=self._tell, reap=self._reap)
        stopping.sweep(self.home, tell=self._tell)
        self._askers.shutdown(wait=False, cancel_futures=True)
        self.state.phase = phase
        self.state.supervisor = None
        self._save()
        self._tell("everything is stopped")

    def _reap(self) -> None:
        for child in self.children.values():
            if child.process is not None:
                child.process.poll()

    # --- small things ------------------------------------------------------------------------------------

    def _watch(self, child: Child, pid: int) -> None:
        # Without a handle its death is noticed a little later, on the next round.
        with contextlib.suppress(OSError):
            child.handle = os.pidfd_open(pid)
            self._selector.register(child.handle, selectors.EVENT_READ)

    def _unwatch(self, child: Child) -> None:
        if child.handle is not None:
            self._selector.unregister(child.handle)
            os.close(child.handle)
            child.handle = None

    def _log(self, program: Program) -> Path:
        return self.logs / f"{program.name}.log"

    def _save_if_changed(self) -> None:
        if self._dirty:
            self._dirty = False
            self._save()

    def _save(self) -> None:
        try:
            self.state.save(self.state_file)
        except OSError as error:
            # A full disk is no reason to leave everybody alone; it is written as soon as there is room.
            if not self._dirty:
                self._tell(f"the state cannot be written: {error}")
            self._dirty = True

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake_write, b".")

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _tell(self, what: str) -> None:
        with contextlib.suppress(OSError):
            print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), what, flush=True)


def _ask(program: Program, *, greet: bool) -> Answer:
    assert program.ask is not None
    answer = program.ask()
    if answer is Answer.READY and greet:
        program.when_ready()
    return answer


def _fresh_record(program: Program) -> Record:
    return Record(
        name=program.name,
        fingerprint=program.fingerprint,
        stage=program.stage,
        stop_signal=program.stop_signal,
        stop_within_s=program.stop_within_s,
    )


def _cause(code: int | None) -> str:
    if code is None:
        return "died"
    return f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


@contextlib.contextmanager
def _only_supervisor(home: Path) -> Iterator[None]:
    lock = home / "run/supervisor.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Trouble(f"another supervisor looks after {home} already") from error
        yield
