"""How a copy of an export shows that nobody changed it. Pure."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Digest:
    """The fingerprint anybody can compute, and the seal only this house can."""

    sha256: str
    seal: str


def digest(content: Any, *, key: bytes) -> Digest:
    """Of JSON content, however its fields are ordered or its text is spaced."""
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return Digest(hashlib.sha256(canonical).hexdigest(), hmac.digest(key, canonical, "sha256").hex())


def is_unchanged(content: Any, claimed: Digest, *, key: bytes) -> bool:
    """Whether this is what was sealed here."""
    return hmac.compare_digest(digest(content, key=key).seal, claimed.seal)
