"""Codes that come printed with a device, and make whoever holds it its owner."""

import hmac
import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.accounts.service import Person
from api.devices import queries, trail
from api.refusals import WrongField
from db.audit import Actor
from db.models import Device, DeviceClaim
from dispatch.errors import Conflict

KEY = "claim codes"
"""What the key that codes are hashed with is derived for."""

# No letter that could be read as a digit, and no U, so that no code is a word.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 12
_MISREAD = str.maketrans("OIL", "011")
_EXPECTED = "must be that of a device which waits for its owner; each code works once"
_QR = "MAYDAY:CLAIM:"


def new_code() -> str:
    """60 random bits, to be typed by a person."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(code[start : start + 4] for start in range(0, _LENGTH, 4))


def qr_text(code: str) -> str:
    """What the printed square says: capitals, digits and few signs, so that it stays small."""
    return _QR + code


def read_code(text: str) -> str:
    """The bare code, typed or scanned, whatever its dashes and misread letters; ValueError if it is none."""
    code = text.strip().upper().removeprefix(_QR).replace("-", "").replace(" ", "").translate(_MISREAD)
    if len(code) != _LENGTH or not set(code) <= set(_ALPHABET):
        raise ValueError("must be the 12 letters and digits that came with the device")
    return code


def hash_code(code: str, key: str) -> str:
    """As it is kept: worth nothing without the stack's secret."""
    return hmac.digest(key.encode(), read_code(code).encode(), "sha256").hex()


def claim(session: Session, code: str, *, caller: Person, key: str, at: datetime) -> Device:
    """Make the caller the owner; said again by the same caller, it is the same answer."""
    found = session.execute(
        select(Device, DeviceClaim)
        .join(DeviceClaim, DeviceClaim.device_id == Device.id)
        .where(DeviceClaim.code_hash == hash_code(code, key), Device.retired_at.is_(None))
        .with_for_update(of=(Device, DeviceClaim))
    ).first()
    if found is None:
        raise WrongField("code", _EXPECTED)
    device, held = found[0], found[1]
    if held.claimed_at is not None and device.owner_id != caller.id:
        raise WrongField("code", _EXPECTED)
    if held.claimed_at is None:
        held.claimed_at, device.owner_id, device.owned_since = at, caller.id, at
        session.flush()
    return device


def reissue(session: Session, uid: str, *, caller: Person, actor: Actor, key: str, at: datetime) -> str:
    """A new code for a device that nobody owns; one given before is void."""
    device = queries.lock_in_use(session, uid, caller=caller)
    if device.owner_id is not None:
        raise Conflict(f"{uid} has an owner, who may transfer it")
    code = new_code()
    held = session.get(DeviceClaim, device.id)
    if held is None:
        held = DeviceClaim(device_id=device.id)
        session.add(held)
    held.code_hash, held.issued_at, held.claimed_at = hash_code(code, key), at, None
    trail.note(session, actor, "device.claim_code_given", device, at=at)
    session.flush()
    return code
