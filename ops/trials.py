"""What `./mayday test` runs: first what bears company, three at a time, then what must be alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ops.places import CHECKOUT

NOTHING_RAN = 5
"""What pytest returns where it found no test."""
_FAILED = 1


@dataclass(frozen=True)
class Phase:
    """One run of pytest."""

    title: str
    command: Sequence[str]


WORKERS = 3
"""One more than the cores we promise to do with: many a test waits for a process to do something."""


def phases(arguments: Sequence[str]) -> list[Phase]:
    """Both, with what the caller has to say to pytest; of two options the later one counts."""
    pytest = (sys.executable, "-m", "pytest")
    return [
        Phase("in company", [*pytest, "-n", str(WORKERS), *arguments, "--alone", "never"]),
        Phase("alone", [*pytest, *arguments, "-n", "0", "--alone", "only"]),
    ]


def run(phases: Sequence[Phase]) -> int:
    """Run one after the other, repeat in the end what each said of itself, and return the worst code."""
    said: list[str] = []
    codes: list[int] = []
    # Ctrl-C reaches pytest as well, which takes its servers away; we wait for it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        for phase in phases:
            code, last_line = _run(phase.command)
            codes.append(code)
            said.append(f"{phase.title}: {last_line.strip('= ')}")
            if code not in (0, _FAILED, NOTHING_RAN):
                # Interrupted, or misunderstood: the next would fare no better.
                said[-1] += f"; it did not come to its end (exit code {code})"
                break
    finally:
        signal.signal(signal.SIGINT, before)
    print(*said, sep="\n", flush=True)
    return next((code for code in codes if code not in (0, NOTHING_RAN)), min(codes))


def _run(command: Sequence[str]) -> tuple[int, str]:
    """Show all it says, as it says it; returns its exit code and its last line."""
    environment = os.environ | ({"PY_COLORS": "1"} if sys.stdout.isatty() else {})
    end = b""
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while piece := os.read(process.stdout.fileno(), 65_536):
            sys.stdout.buffer.write(piece)
            sys.stdout.flush()
            end = (end + piece)[-4_096:]
    lines = end.decode(errors="replace").strip().splitlines()
    return process.returncode, lines[-1] if lines else "it said nothing"
