"""What a child process is, and how one is started and looked at."""

import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from ops.places import owner
from ops.processes import MARK
from ops.trouble import Trouble

# The child waits for a word and becomes its program only then: whoever starts it has time to write down
# who it is, and if the starter dies before, the child goes too. So no process runs that nobody knows of.
_WAIT_FOR_A_WORD = 'read -r _ && exec "$@" < /dev/null'


class Answer(Enum):
    """What a server says when it is asked whether it works."""

    READY = auto()
    BUSY = auto()
    """It lives, and cannot serve yet: it reads its data back."""
    SILENT = auto()


LONGEST_LINE = 300


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Program:
    """A process to keep running: its command, what comes before it, and how it shows that it works."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    stage: int = 0
    """Stages are stopped from the highest down."""
    after: tuple[str, ...] = ()
    once: bool = False
    """It has one thing to do and is ready when it has ended well."""
    ask: Callable[[], Answer] | None = None
    """Asks it from outside; a program that cannot be asked touches its beat file."""
    beat: Path | None = None
    before_start: Callable[[], None] = field(default=_nothing)
    """Done each time just before it starts: clear what a violent death left behind."""
    when_ready: Callable[[], None] = field(default=_nothing)
    """Done each time it has become ready, before anything that comes after it is started."""
    upkeep: Callable[[], signal.Signals | None] = field(default=lambda: None)
    """Done now and then while it runs; what it returns is sent to the program."""
    as_owner: bool = False
    niceness: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 10.0
    ready_within_s: float = 60.0
    hung_after_s: float = 30.0

    @property
    def fingerprint(self) -> str:
        """Differs when the program would be started differently now."""
        start = [self.command, sorted(self.environment.items()), str(self.folder), self.niceness]
        return hashlib.sha256(json.dumps(start).encode()).hexdigest()[:16]


def spawn(
    program: Program, log: Path, *, record: Callable[[int], None] = lambda pid: None
) -> subprocess.Popen[bytes]:
    """Start it in a session of its own, writing straight to its log: it outlives whoever started it."""
    program.before_start()
    if program.beat is not None:
        program.beat.parent.mkdir(parents=True, exist_ok=True)
        program.beat.unlink(missing_ok=True)
    nice = ["nice", "-n", str(program.niceness)] if program.niceness else []
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["sh", "-c", _WAIT_FOR_A_WORD, program.name, *nice, *program.command],
            cwd=program.folder,
            env={**program.environment, MARK: program.name},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
            user=owner().user if program.as_owner else None,
            group=owner().group if program.as_owner else None,
            extra_groups=owner().extra_groups if program.as_owner else None,
        )
    record(process.pid)
    _yield_to_others(process.pid, program.niceness)
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as word:
        word.write(b"go\n")
    return process


def _yield_to_others(pid: int, niceness: int) -> None:
    """Let the others go first where each session is a group of the scheduler's own.

    Niceness counts within such a group alone, and every program of ours is a session.
    """
    if niceness:
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(niceness), encoding="ascii")


def has_beaten(program: Program, *, since: float) -> bool:
    """Whether its beat file was touched in this life of it, and not in a former one."""
    assert program.beat is not None
    with suppress(OSError):
        # File times come from a coarser clock than ours.
        return program.beat.stat().st_mtime >= since - 0.05
    return False


@contextmanager
def running(program: Program, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One program for as long as the block lasts, ready when it is entered; no supervisor is needed."""
    since = time.time()
    process = spawn(program, log)
    try:
        deadline = time.monotonic() + program.ready_within_s
        ready = False
        while not ready:
            time.sleep(0.05)
            ready = _is_ready(program, since=since)
            # Asked last: where our port is another's, it is that one who answers while ours ends.
            if process.poll() is not None:
                raise Trouble(f"{program.name} ended with {process.returncode}: {last_words(log)}")
            if time.monotonic() > deadline:
                raise Trouble(
                    f"{program.name} was not ready in {program.ready_within_s:.0f} s: {last_words(log)}"
                )
        program.when_ready()
        yield process
    finally:
        end(process, program)


def end(process: subprocess.Popen[bytes], program: Program) -> None:
    """Stop a process that was spawned here."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, program.stop_signal)
    try:
        process.wait(program.stop_within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _is_ready(program: Program, *, since: float) -> bool:
    if program.beat is not None:
        return has_beaten(program, since=since)
    return program.ask is None or program.ask() is Answer.READY


def last_words(log: Path) -> str:
    """The line at the end of a log that says most, for a message."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        return telling_line(file.read().decode(errors="replace"))
    return "it wrote nothing"


def telling_line(output: str) -> str:
    """The line of a program's output that says most about its end."""
    said = [line for line in output.splitlines() if line.strip()]
    # What follows the cause is often only the farewell.
    causes = [line for line in said[-10:] if re.search(r"FATAL|PANIC|\b[Ee]rror\b|[A-Z]\w+Error\b", line)]
    return _in_short((causes or said or ["it wrote nothing"])[-1])


def _in_short(line: str) -> str:
    with suppress(ValueError, TypeError, KeyError):
        entry = json.loads(line)
        cause = str(entry.get("exception", "")).strip().rpartition("\n")[2]
        line = f"{entry['event']}: {cause}" if cause else str(entry["event"])
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..."
