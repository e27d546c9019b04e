"""Photos: files in one folder, each under a name nobody can guess; the row says what it is of."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from fastapi import Header, Response, status

from api.people.pictures import Picture, PictureKind
from dispatch.errors import NotFound

Seen = Annotated[str | None, Header(alias="If-None-Match")]

REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            f"image/{kind}": {"schema": {"type": "string", "format": "binary"}} for kind in PictureKind
        },
    }
}
ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {f"image/{kind}": {} for kind in PictureKind}}}
"""How routes say that they take or give a photo."""


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


def answer(folder: Path, name: str, seen: str | None) -> Response:
    """A photo for a browser that may have `seen` it before."""
    headers = {
        "ETag": f'"{name}"',
        # A shared cache knows nothing of rights; the own one asks again each time.
        "Cache-Control": "private, no-cache",
        # Whatever is hidden in the bytes, a browser shows a picture or nothing.
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": "inline",
    }
    if seen == headers["ETag"]:
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    data = find(folder, name)
    if data is None:
        raise NotFound("there is no such photo")
    return Response(data, media_type=media_type(name), headers=headers)


def drop(folder: Path, name: str | None) -> None:
    """Let go of a photo that no row names any more."""
    if name is not None:
        (folder / Path(name).name).unlink(missing_ok=True)


def media_type(name: str) -> str:
    """How a browser is told what it is."""
    return f"image/{Path(name).suffix[1:]}"
