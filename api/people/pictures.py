"""What a picture is by its first bytes: its type and its size, without opening it."""

import struct
from dataclasses import dataclass
from enum import StrEnum

from api.refusals import WrongField

MOST_BYTES = 5 * 1024 * 1024
MOST_SIDE_PX = 8_000


class PictureKind(StrEnum):
    """The types that are kept; each is the ending of the file and of `image/...`."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


@dataclass(frozen=True, slots=True)
class Picture:
    """What the bytes themselves declare."""

    kind: PictureKind
    width_px: int
    height_px: int


def look(data: bytes) -> Picture:
    """What these bytes are; WrongField unless it is a picture that is kept here."""
    try:
        picture = _read(data)
    except (struct.error, IndexError):
        picture = None
    if picture is None:
        raise WrongField("body", "must be a picture: JPEG, PNG or WebP")
    if not (0 < picture.width_px <= MOST_SIDE_PX and 0 < picture.height_px <= MOST_SIDE_PX):
        raise WrongField("body", f"must be a picture of 1 to {MOST_SIDE_PX} pixels each way")
    return picture


def _read(data: bytes) -> Picture | None:
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return Picture(PictureKind.PNG, *struct.unpack_from(">II", data, 16))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    return None


# Start of frame, in its thirteen kinds; between them lie DHT, JPG and DAC, which are none.
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_END_OR_SCAN = frozenset({0xD9, 0xDA})


def _jpeg(data: bytes) -> Picture | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _SOF:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Picture(PictureKind.JPEG, width, height)
        elif marker in _END_OR_SCAN:
            return None
        else:
            at += 2
            if marker not in _WITHOUT_LENGTH:
                at += max(2, struct.unpack_from(">H", data, at)[0])
    return None


def _webp(data: bytes) -> Picture | None:
    match data[12:16]:
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 26)
            size = width & 0x3FFF, height & 0x3FFF
        case b"VP8L" if data[20] == 0x2F:
            (bits,) = struct.unpack_from("<I", data, 21)
            size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            width, high, height, highest = struct.unpack_from("<HBHB", data, 24)
            size = (width | high << 16) + 1, (height | highest << 16) + 1
        case _:
            return None
    return Picture(PictureKind.WEBP, *size)
