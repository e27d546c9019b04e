"""Other people's systems that hear of facts: by which secret they know that it is us."""

import base64
import secrets
from datetime import datetime, timedelta

from db.seal import Seal

CHANNEL = "webhook"

_PREFIX = "whsec_"
_OVERLAP = timedelta(days=1)
"""How long the secret before this one still signs, so that a receiver can change in its own time."""


def new_secret() -> str:
    """A secret as Standard Webhooks writes it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def close(seal: Seal, secret: str) -> str:
    """The secret of a new webhook, sealed."""
    return seal.close({"secret": secret})


def rotate(seal: Seal, sealed: str, secret: str, *, at: datetime) -> str:
    """The same with a new secret; the one before it goes on for a while."""
    old = seal.open(sealed)["secret"]
    return seal.close({"secret": secret, "old": old, "old_until": (at + _OVERLAP).isoformat()})


def signing(seal: Seal, sealed: str, *, at: datetime) -> list[bytes]:
    """The keys with which to sign now, the newest first."""
    kept = seal.open(sealed)
    named = [kept["secret"]]
    if "old" in kept and datetime.fromisoformat(kept["old_until"]) > at:
        named.append(kept["old"])
    return [base64.b64decode(each.removeprefix(_PREFIX)) for each in named]
