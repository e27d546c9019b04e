"""Codes that change every half minute (RFC 6238), as authenticator apps show them."""

import base64
import hashlib
import hmac
import secrets
import struct
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6

_BESIDE = (0, -1, 1)  # clocks go wrong, and people type slowly


def new_secret() -> bytes:
    """As long as RFC 4226 recommends."""
    return secrets.token_bytes(20)


def code(secret: bytes, step: int, *, digits: int = DIGITS) -> str:
    """The code of one step."""
    digest = hmac.digest(secret, struct.pack(">Q", step), hashlib.sha1)
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 0x0F)
    return f"{(number & 0x7FFFFFFF) % 10**digits:0{digits}}"


def step_of(at: datetime) -> int:
    """The number of the half minute."""
    return int(at.timestamp()) // STEP_S


def find_step(secret: bytes, said: str, *, after: int, at: datetime) -> int | None:
    """The step near now whose code this is, if it comes after the last one used."""
    near = [step_of(at) + each for each in _BESIDE]
    fitting = [step for step in near if hmac.compare_digest(code(secret, step).encode(), said.encode())]
    return next((step for step in fitting if step > after), None)


def uri(secret: bytes, *, account: str, issuer: str = "Mayday") -> str:
    """What an authenticator app reads from a QR code."""
    label = quote(f"{issuer}:{account}")
    return f"otpauth://totp/{label}?{urlencode({'secret': in_base32(secret), 'issuer': issuer})}"


def in_base32(secret: bytes) -> str:
    """What a person types into an app that cannot read a QR code."""
    return base64.b32encode(secret).decode()
