"""Quarantined frames on the wire."""

import base64
from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.paging import DEFAULT_LIMIT, Cursor, Limit
from api.schemas import Answer, Own, Storable
from db.models import QuarantinedFrame


class QuarantineFilter(Own):
    """Which frames to list; newest first."""

    uid: Annotated[str, Field(max_length=256), Storable] | None = None
    cursor: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class QuarantinedOut(Answer):
    """A frame that could not be read, and why; `text` where a person can read it, always in base64."""

    id: int
    received_at: datetime
    lane: str
    topic: str
    uid: str | None
    reason: str
    text: str | None
    payload_base64: str

    @classmethod
    def of(cls, frame: QuarantinedFrame) -> "QuarantinedOut":
        return cls(
            id=frame.id,
            received_at=frame.received_at,
            lane=frame.lane,
            topic=frame.topic,
            uid=frame.uid,
            reason=frame.reason,
            text=frame.text,
            payload_base64=base64.b64encode(frame.payload).decode("ascii"),
        )
