"""The broker's database file, mended before the broker reads it."""

import struct
import time
from collections.abc import Iterator
from pathlib import Path

_MAGIC = b"\x00\xb5\x00mosquitto db"
_HEADER_BYTES = 23
_CLIENT = 6
_NEVER = 0xFFFFFFFF
_EXPIRY_INTERVAL = struct.Struct(">8xI")  # of a client's chunk, after the time at which it expires


def mend(database: Path) -> None:
    """Leave what the broker can read, and nothing that it would stumble over."""
    if aside := move_aside_if_broken(database):
        print(f"the broker's database was unreadable and lies in {aside}; devices send again", flush=True)
    make_sessions_unending(database)


def move_aside_if_broken(database: Path) -> Path | None:
    """A broker with a truncated database would not start at all: an empty one serves, for devices re-send."""
    if not database.exists() or is_whole(database):
        return None
    aside = database.with_name(f"{database.name}.broken-{int(time.time())}")
    database.rename(aside)
    return aside


def is_whole(database: Path) -> bool:
    """Whether the chunks of the file fill it exactly, as a file that was written to its end."""
    data = database.read_bytes()
    if not data.startswith(_MAGIC) or len(data) < _HEADER_BYTES:
        return False
    end = _HEADER_BYTES
    for _, body, length in _chunks(data):
        end = body + length
    return end == len(data)


def make_sessions_unending(database: Path) -> None:
    """Let no session that is read back have an end of its own: mosquitto.conf says what 2.0 makes of it."""
    if not database.exists():
        return
    data = bytearray(database.read_bytes())
    ending = [
        body
        for kind, body, length in _chunks(data)
        if kind == _CLIENT
        and length >= _EXPIRY_INTERVAL.size
        and _EXPIRY_INTERVAL.unpack_from(data, body)[0] not in (0, _NEVER)
    ]
    if ending:
        for body in ending:
            struct.pack_into(">I", data, body + 8, _NEVER)
        with database.open("r+b") as file:
            file.write(data)


def _chunks(data: bytes | bytearray) -> Iterator[tuple[int, int, int]]:
    """The kind, the place and the length of each chunk, up to the last whole header."""
    (version,) = struct.unpack_from(">I", data, _HEADER_BYTES - 4)
    header = struct.Struct(">II" if version >= 5 else ">HI")
    position = _HEADER_BYTES
    while position + header.size <= len(data):
        kind, length = header.unpack_from(data, position)
        position += header.size
        yield kind, position, length
        position += length
