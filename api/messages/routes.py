"""One's own messages, and the apps by which one is reached at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, status
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from api import paging
from api.deps import Caller, Now, ReadSession, WriteSession
from api.messages.schemas import MessageFilter, MessageOut, NewPushToken, PushTokenOut, PushTokenText
from api.paging import Page
from db import push_tokens
from db.models import Message, PushToken
from dispatch.errors import NotFound
from dispatch.sos import receipts

router = APIRouter(tags=["messages"])


@router.get("/messages/", response_model=Page[MessageOut])
def list_messages(
    wanted: Annotated[MessageFilter, Query()], caller: Caller, session: ReadSession
) -> Page[MessageOut]:
    """What one was told, newest first."""
    before = paging.read_cursor(wanted.cursor, int)
    found = _newest(session, caller.id, before=before, limit=wanted.limit + 1)
    rows, more = paging.cut(found, wanted.limit, lambda row: paging.write_cursor(row.created_at, row.id))
    return Page(items=[MessageOut.of(row) for row in rows], next=more)


@router.post("/messages/{message_id}/seen/", response_model=MessageOut)
def confirm_message(message_id: UUID, caller: Caller, session: WriteSession, at: Now) -> MessageOut:
    """Say that one has it: no further way of telling it is tried. Said again, it changes nothing."""
    message = receipts.confirm(session, message_id, via="app", by=caller.id, at=at)
    if message is None:
        raise NotFound(f"you have no message {message_id}")
    return MessageOut.of(message)


@router.post("/push-tokens/", status_code=status.HTTP_201_CREATED, response_model=PushTokenOut)
def register_app(body: NewPushToken, caller: Caller, session: WriteSession, at: Now) -> PushToken:
    """Be reached by this app from now on, until this login ends; whoever had it before is not any more."""
    return push_tokens.register(
        session, body.token, user_id=caller.id, login=caller.session_id, platform=body.platform, at=at
    )


@router.delete("/push-tokens/{token}/", status_code=status.HTTP_204_NO_CONTENT)
def remove_app(token: Annotated[PushTokenText, Path()], caller: Caller, session: WriteSession) -> None:
    """Not be reached by this app any more; said again, or of another's, it changes nothing."""
    push_tokens.remove(session, token, user_id=caller.id)


def _newest(
    session: Session, user_id: int, *, before: tuple[datetime, int] | None, limit: int
) -> Sequence[Message]:
    wanted = select(Message).where(Message.user_id == user_id)
    if before is not None:
        wanted = wanted.where(tuple_(Message.created_at, Message.id) < before)
    return session.scalars(wanted.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)).all()
