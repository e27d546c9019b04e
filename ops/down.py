"""Stops a stack, with its supervisor or without.

Standard library only: it must work without the virtual environment.
"""

import signal
import time
from pathlib import Path

from ops import stopping
from ops.places import home_folder
from ops.progress import Progress
from ops.state import Phase, load

LONGEST_S = 90.0


def down(home: Path) -> bool:
    """Stop everything of this home; False when nothing ran."""
    file = home / "run/state.json"
    state = load(file)
    if not state.is_running:
        return False
    with Progress("stopping") as progress:
        if state.supervisor is not None and state.is_supervised:
            state.supervisor.send(signal.SIGTERM)
            state.supervisor.send(signal.SIGCONT)
            deadline = time.monotonic() + LONGEST_S
            while state.is_supervised and time.monotonic() < deadline:
                progress.say(f"{sum(record.is_alive for record in load(file).records)} processes left")
                time.sleep(0.05)
            state.supervisor.send(signal.SIGKILL)
        # What it could not end, or what lived without it.
        state = load(file)
        stopping.stop(state.records, tell=progress.say)
        stopping.sweep(home, tell=progress.say)
        state.phase, state.supervisor = Phase.STOPPED, None
        state.save(file)
    return True


def main() -> None:
    if not down(home_folder()):
        print("mayday is not running")


if __name__ == "__main__":
    main()
