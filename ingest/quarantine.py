"""What does not parse, kept with the reason; nothing that reached a lane is thrown away."""

from datetime import datetime

import cbor2
from sqlalchemy.orm import Session

from db import telemetry
from db.samples import RefusedRow

_LONGEST_TEXT = 4_000
_LONGEST_REASON = 500


def row(lane: str, topic: str, payload: bytes, *, uid: str | None, reason: str, at: datetime) -> RefusedRow:
    """A refused frame as it is kept."""
    return RefusedRow(
        at, lane, _storable(topic), uid, _storable(reason)[:_LONGEST_REASON], payload, readable(payload)
    )


def keep_once(
    session: Session, lane: str, topic: str, payload: bytes, *, uid: str | None, reason: str, at: datetime
) -> None:
    """Keep a frame that several workers receive; the first of them does."""
    telemetry.quarantine_once(session, row(lane, topic, payload, uid=uid, reason=reason, at=at))


def readable(payload: bytes) -> str | None:
    """The payload for a person's eyes: text as it is, CBOR spelled out; None where it is neither."""
    try:
        return _storable(payload.decode())[:_LONGEST_TEXT]
    except UnicodeDecodeError:
        pass
    try:
        return _storable(repr(cbor2.loads(payload)))[:_LONGEST_TEXT]
    except Exception:
        return None


def _storable(text: str) -> str:
    return text.replace("\0", "\N{SYMBOL FOR NULL}")
