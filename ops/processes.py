"""Processes told apart for certain: a pid is used again one day, a pid with its start time is not.

Standard library only: `down` must work without the virtual environment.
"""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MARK = "MAYDAY_PROGRAM"
"""Stands in the environment of every child, so that what a child leaves behind can be found."""


@dataclass(frozen=True)
class Identity:
    """One process of one boot."""

    pid: int
    start: int
    boot: str

    def is_alive(self) -> bool:
        """Whether it still runs; a zombie waiting for its parent does not."""
        return self.boot == boot() and _start(self.pid) == self.start

    def send(self, number: signal.Signals) -> None:
        """Signal it, and never another that got its pid meanwhile."""
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                if self.is_alive():
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)


def identify(pid: int) -> Identity | None:
    """Who has this pid now."""
    start = _start(pid)
    return None if start is None else Identity(pid, start, boot())


def boot() -> str:
    """The boot of this machine that we live in."""
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def left_behind(home: Path) -> dict[Identity, str]:
    """Every process that was started for this home, or by one that was, and the program it belongs to."""
    wanted = f"MAYDAY_HOME={home}"
    found: dict[Identity, str] = {}
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            variables = (entry / "environ").read_bytes().decode(errors="replace").split("\0")
            names = [item.removeprefix(f"{MARK}=") for item in variables if item.startswith(f"{MARK}=")]
            if wanted in variables and names and (identity := identify(int(entry.name))):
                found[identity] = names[0]
    return found


def _start(pid: int) -> int | None:
    try:
        # The name in the second field may hold anything, brackets and spaces too.
        fields = (
            (PROC / str(pid) / "stat")
            .read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()
        )
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])
