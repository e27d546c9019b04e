"""A message has reached its person; where it asked a helper to come, their call is delivered with it."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from db.models import Message
from dispatch import telling
from dispatch.errors import Forbidden, NotFound
from dispatch.sos import calls


def confirm(
    session: Session, message_id: UUID, *, via: str, at: datetime, by: int | None = None
) -> Message | None:
    """No further channel is asked. None where there is no such message, or it is not for `by`."""
    _deliver(session, message_id, via=via, at=at, by=by)
    return telling.confirm(session, message_id, via=via, at=at, by=by)


def confirm_reply(session: Session, device_id: int, frame_id: str, *, at: datetime) -> bool:
    """A phone of its person replies to a message; False where there is none of this id."""
    message_id = telling.find_replied(session, device_id, frame_id)
    return message_id is not None and confirm(session, message_id, via="mqtt", at=at) is not None


def receive(session: Session, message_id: UUID, channel: str, *, said: str, at: datetime) -> None:
    """The channel says that it has brought it, which counts as the person's own word."""
    _deliver(session, message_id, via=channel, at=at)
    telling.receive(session, message_id, channel, said=said, at=at)


def _deliver(session: Session, message_id: UUID, *, via: str, at: datetime, by: int | None = None) -> None:
    """Before the message itself is held: whoever holds a call's incident may wait for its messages."""
    asked = calls.find_told(session, message_id)
    if asked is None or by not in (None, asked.helper_id):
        return
    # Who may not come any more has the message all the same.
    with suppress(NotFound, Forbidden):
        calls.deliver(session, asked.uuid, by=asked.helper_id, via=via, at=at)
