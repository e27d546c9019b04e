"""Pins: by what a wearer shows that it is they who cancel, and whether it is of their own will."""

import hmac
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from broker.settings import derive_secret
from db.models import Pin
from dispatch.sos import rules


class Judgement(StrEnum):
    """What a pin turned out to be; the words are those that a watch shows."""

    NOT_SET = "no pin is set"
    RIGHT = "right"
    DURESS = "duress"
    MISSING = "pin needed"
    WRONG = "wrong pin"
    NOT_NOW = "too many wrong pins, wait a minute"


def set_pins(session: Session, user_id: int, *, pin: str, duress_pin: str | None, at: datetime) -> None:
    """From now on these are the pins of this wearer, in place of any others."""
    duress_hash = None if duress_pin is None else _digest(user_id, duress_pin)
    values = {"pin_hash": _digest(user_id, pin), "duress_hash": duress_hash, "changed_at": at}
    fresh = {"wrong": 0, "wrong_at": None, "wrong_hash": None}
    session.execute(
        insert(Pin)
        .values(user_id=user_id, **values, **fresh)
        .on_conflict_do_update(index_elements=[Pin.user_id], set_=values | fresh)
    )


def forget(session: Session, user_id: int) -> None:
    """No pin is asked of this wearer any more."""
    held = session.get(Pin, user_id, with_for_update=True)
    if held is not None:
        session.delete(held)


def judge(session: Session, user_id: int | None, said: str | None, *, at: datetime) -> tuple[Judgement, bool]:
    """What this pin is, and whether that was not said of it just before.

    The two workers, and a watch that sends again, bring the same wrong pin several times: that is one try.
    A right pin and a duress pin take the same steps.
    """
    held = None if user_id is None else session.get(Pin, user_id, with_for_update=True)
    if held is None:
        return Judgement.NOT_SET, True
    if said is None:
        return Judgement.MISSING, False
    digest = _digest(held.user_id, said)
    if held.wrong_hash is not None and hmac.compare_digest(digest, held.wrong_hash):
        return Judgement.WRONG, False
    if rules.is_locked_out(wrong=held.wrong, wrong_at=held.wrong_at, at=at):
        return Judgement.NOT_NOW, False
    is_right = hmac.compare_digest(digest, held.pin_hash)
    is_duress = hmac.compare_digest(digest, held.duress_hash or held.pin_hash[::-1])
    if is_right or is_duress:
        held.wrong, held.wrong_at, held.wrong_hash = 0, None, None
        return (Judgement.RIGHT if is_right else Judgement.DURESS), True
    held.wrong, held.wrong_at, held.wrong_hash = min(held.wrong + 1, 1_000), at, digest
    return Judgement.WRONG, True


def _digest(user_id: int, pin: str) -> str:
    """Quick on purpose: a pin is short whatever is done to it; the secret of the stack protects it."""
    key = derive_secret("pins").encode()
    return hmac.digest(key, f"{user_id}:{pin}".encode("utf-8", "surrogatepass"), sha256).hex()
