"""What `./mayday test` runs: first what bears company, two at a time, then one by one what must be alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ops.places import CHECKOUT

NOTHING_RAN = 5
"""pytest's exit code where no test was asked for; what is above 1 else is no verdict on the tests."""

# Ours come before the caller's where they may be overruled, and after them where they may not.
_PYTEST = (sys.executable, "-m", "pytest")
_TOGETHER = ("-n", "2", "--dist", "loadgroup")


@dataclass(frozen=True)
class Phase:
    """One run of pytest."""

    title: str
    command: Sequence[str]


def phases(arguments: Sequence[str]) -> list[Phase]:
    """The two, with what the caller has to say to pytest."""
    return [
        Phase("in company", [*_PYTEST, *_TOGETHER, *arguments, "--alone", "never"]),
        Phase("alone", [*_PYTEST, *arguments, "-n", "0", "--alone", "only"]),
    ]


def run(phases: Sequence[Phase]) -> int:
    """Run one after the other, repeat in the end what each has said of itself, and return the worst code."""
    said: list[str] = []
    codes: list[int] = []
    # Ctrl-C reaches pytest too, which takes its servers away; we wait for it.
    signal.signal(signal.SIGINT, lambda *_: None)
    for phase in phases:
        code, last_line = _run(phase.command)
        said.append(f"{phase.title}: {last_line.strip('= ')}")
        codes.append(code)
        if code not in (0, 1, NOTHING_RAN):
            break  # it was interrupted, or misunderstood
    print(*said, sep="\n", flush=True)
    return max((code for code in codes if code != NOTHING_RAN), default=NOTHING_RAN)


def _run(command: Sequence[str]) -> tuple[int, str]:
    """Show all it prints as it comes; returns its exit code and the last line."""
    colour = {"PY_COLORS": "1"} if sys.stdout.isatty() else {}
    end = b""
    with subprocess.Popen(command, cwd=CHECKOUT, env=os.environ | colour, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while piece := os.read(process.stdout.fileno(), 65_536):
            os.write(sys.stdout.fileno(), piece)
            end = (end + piece)[-4_096:]
    lines = end.decode(errors="replace").strip().splitlines()
    return process.returncode, lines[-1] if lines else "it printed nothing"
