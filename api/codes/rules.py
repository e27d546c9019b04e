"""When a code may be sent, and which one is right."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from db.states import CodePurpose

DIGITS = 6
LIFE = timedelta(minutes=5)
MOST_TRIES = 5
AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many, within so long."""

    most: int
    within: timedelta


PER_PURPOSE = (Limit(1, AGAIN),)
PER_SUBJECT = (Limit(5, timedelta(hours=1)), Limit(10, timedelta(days=1)))
# Many people may share an address: those of a mobile network, or of a whole office.
PER_ADDRESS = (Limit(60, timedelta(hours=1)), Limit(300, timedelta(days=1)))


def wait(sent: Sequence[datetime], limits: Sequence[Limit], *, at: datetime) -> timedelta:
    """How long until another may be sent; `sent` are the times of those before, the newest first."""
    waits = [sent[limit.most - 1] + limit.within - at for limit in limits if len(sent) >= limit.most]
    return max([*waits, timedelta()])


def is_open(*, expires_at: datetime, used: bool, tries: int, at: datetime) -> bool:
    """Whether a code may still be tried."""
    return not used and tries < MOST_TRIES and at < expires_at


def digest(key: bytes, purpose: CodePurpose, subject: str, code: str, *, claimant: UUID | None = None) -> str:
    """What is kept of a code: nothing without the key, and of no use for anybody or anything else."""
    said = f"{purpose}\n{subject}\n{claimant or ''}\n{code}"
    return hmac.digest(key, said.encode(), hashlib.sha256).hex()


def is_same(one: str, other: str) -> bool:
    """Compares two digests in a time that tells nothing."""
    return hmac.compare_digest(one, other)
