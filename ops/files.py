"""Files that are either the old one or the new one, never half of either. Standard library only."""

import os
from pathlib import Path

from ops.places import owner


def write(path: Path, text: str, *, mode: int = 0o600, for_owner: bool = False, durable: bool = True) -> None:
    """Replace a file at once; `for_owner` hands it to the user the servers run as."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    fresh.chmod(mode)
    if for_owner:
        owner().give(fresh)
    fresh.replace(path)
