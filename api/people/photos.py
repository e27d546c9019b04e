"""Photos of people: files in one folder, each under a name nobody can guess; the row says which is whose."""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from api.people.pictures import Picture


def keep(folder: Path, data: bytes, picture: Picture) -> str:
    """Write a photo, whole or not at all; returns the name to be kept in the row."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = f"{uuid4().hex}.{picture.kind}"
    fresh = folder / f".{name}.new"
    try:
        with fresh.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / name)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return name


def find(folder: Path, name: str) -> bytes | None:
    """The photo of a row, unless its file was lost."""
    with suppress(FileNotFoundError):
        return (folder / Path(name).name).read_bytes()
    return None


def drop(folder: Path, name: str | None) -> None:
    """Let go of a photo that no row names any more."""
    if name is not None:
        (folder / Path(name).name).unlink(missing_ok=True)


def media_type(name: str) -> str:
    """How a browser is told what it is."""
    return f"image/{Path(name).suffix[1:]}"
