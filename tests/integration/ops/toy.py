"""A supervisor over toy programs, in a process of its own: `... toy HOME TABLE`, the table as JSON."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from ops.programs import Program
from ops.supervisor import Supervisor
from ops.trouble import Trouble

BEATING = "while :; do touch {beat}; sleep 0.1; done"


def program(home: Path, row: dict[str, Any]) -> Program:
    """A name, a shell script with {beat} and {home}, and whatever else a program has."""
    row = dict(row)
    beat = home / f"run/{row['name']}.beat"
    script = row.pop("script", BEATING).format(beat=beat, home=home)
    return Program(
        command=("sh", "-c", script),
        environment={"PATH": os.environ["PATH"], "MAYDAY_HOME": str(home)},
        folder=home,
        beat=None if row.get("once") else beat,
        after=tuple(row.pop("after", ())),
        **row,
    )


def main() -> int:
    home = Path(sys.argv[1])
    table = json.loads(sys.argv[2])
    try:
        Supervisor([program(home, row) for row in table], home=home).run()
    except Trouble:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
