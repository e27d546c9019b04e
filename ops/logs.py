"""Logs of bounded size, that their writers need not know of."""

import shutil
from contextlib import suppress
from pathlib import Path

LARGEST_MB = 10


def rotate(folder: Path, *, largest: int = LARGEST_MB << 20) -> None:
    """Keep the last full piece of each log beside it; the writer goes on appending to the same file."""
    for log in folder.glob("*.log"):
        with suppress(OSError):
            if log.stat().st_size <= largest:
                continue
            # On a full disk there is no room for a copy, and all the more reason to cut.
            with suppress(OSError):
                shutil.copyfile(log, log.with_suffix(".log.1"))
            with log.open("r+b") as file:
                file.truncate(0)
