"""Tells whether a stack runs, for a checkout whose virtual environment is gone. Standard library only."""

import sys

from ops.places import home_folder
from ops.state import load


def main() -> int:
    state = load(home_folder() / "run/state.json")
    if not state.is_running:
        print("mayday is not running; start it with ./mayday up", file=sys.stderr)
        return 1
    print("mayday is running, but its .venv is gone; ./mayday up mends that", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
