"""Everything `./mayday check` looks at."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ops.places import CHECKOUT

BIN = Path(sys.prefix) / "bin"


@dataclass(frozen=True)
class Check:
    """One tool and what it is asked; one that needs a file is passed over where that is not there yet."""

    title: str
    command: tuple[str, ...]
    needs: str = "pyproject.toml"


CHECKS = (
    Check("lint", (str(BIN / "ruff"), "check", ".")),
    Check("format", (str(BIN / "ruff"), "format", "--check", ".")),
    Check("types", (str(BIN / "mypy"),)),
    Check("imports between rooms", (str(BIN / "lint-imports"),)),
    Check("docs/mqtt.md", (sys.executable, "-m", "broker.asyncapi", "--check"), needs="broker/asyncapi.py"),
)


def main() -> int:
    """Run them all, show what the failing ones said, and tell how many failed."""
    failed = 0
    for check in CHECKS:
        if not (CHECKOUT / check.needs).exists():
            continue
        result = subprocess.run(check.command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        print(f"{'ok    ' if result.returncode == 0 else 'FAILED'} {check.title}", flush=True)
        if result.returncode:
            failed += 1
            print((result.stdout + result.stderr).rstrip(), flush=True)
    return 1 if failed else 0
