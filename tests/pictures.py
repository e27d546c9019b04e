"""The smallest pictures, as far as their headers go."""

import struct


def png(width: int = 3, height: int = 2) -> bytes:
    """A PNG that declares this size."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(9)


def jpeg(width: int = 3, height: int = 2, *, start_of_frame: int = 0xC0) -> bytes:
    """A JPEG with a comment, a thumbnail's frame inside a segment, a fill byte, and then its own frame."""
    hidden = b"\xff\xc0" + struct.pack(">HBHH", 17, 8, 99, 99)
    app = b"\xff\xe1" + struct.pack(">H", len(hidden) + 2) + hidden
    frame = bytes([0xFF, start_of_frame]) + struct.pack(">HBHH", 17, 8, height, width)
    return b"\xff\xd8" + app + b"\xff" + frame + bytes(10) + b"\xff\xd9"


def webp(chunk: bytes, data: bytes) -> bytes:
    """A WebP of one chunk."""
    inner = b"WEBP" + chunk + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(inner)) + inner


def webp_lossy(width: int = 3, height: int = 2) -> bytes:
    return webp(b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height) + bytes(4))


def webp_lossless(width: int = 3, height: int = 2) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(4))


def webp_extended(width: int = 3, height: int = 2) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", bytes(4) + sides)


PNG = png()
