"""Telling people: one message each, by one channel after the other until it is confirmed."""

from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from broker.settings import derive_secret
from db import notifications, timers
from db.models import Contact, Message, PushToken, Timer, User
from db.seal import Seal

TIMER = "message_unconfirmed"

PATIENCE = {"push": timedelta(seconds=10), "sms": timedelta(seconds=30), "mail": timedelta(seconds=60)}
"""How long a channel may take to be confirmed before the next is asked."""


def tell(
    session: Session,
    person: User | Contact,
    text: str,
    *,
    key: str,
    until_at: datetime,
    at: datetime,
    incident_id: UUID | None = None,
    **values: str,
) -> Message | None:
    """Have a person told `text`, one of notifier.texts, filled with `values`.

    The same key again is the message that exists: nobody is told twice of the same thing. None where no
    channel reaches them.
    """
    channels = find_channels(session, person)
    if not channels:
        return None
    whose = {"contact_id" if isinstance(person, Contact) else "user_id": person.id}
    wanted = {"text": text, "language": person.language, "values": values}
    made: Message | None = session.scalar(
        insert(Message)
        .values(
            key=key,
            incident_id=incident_id,
            text=text,
            sealed=_seal().close(wanted),
            channels=channels,
            created_at=at,
            until_at=until_at,
            **whose,
        )
        .on_conflict_do_nothing()
        .returning(Message)
    )
    if made is None:
        return session.scalars(select(Message).filter_by(key=key, **whose)).one()
    _ask_next(session, made, at=at)
    return made


def confirm(session: Session, message_id: UUID, *, via: str, at: datetime) -> bool:
    """It has reached its person: no further channel is asked. False where there is no such message."""
    message = session.scalar(select(Message).where(Message.uuid == message_id).with_for_update())
    if message is None:
        return False
    if message.confirmed_at is None:
        message.confirmed_at, message.confirmed_via = at, via
        timers.cancel(session, message.uuid, TIMER, at=at)
    return True


def withdraw(session: Session, incident_id: UUID, *, at: datetime) -> None:
    """What has not reached anybody yet is of no use any more: the incident is over."""
    waiting = select(Message).where(
        Message.incident_id == incident_id, Message.confirmed_at.is_(None), Message.until_at > at
    )
    for message in session.scalars(waiting.with_for_update()):
        message.until_at = at
        timers.cancel(session, message.uuid, TIMER, at=at)


def confirm_key(session: Session, user_id: int, key: str, *, via: str, at: datetime) -> None:
    """Somebody answered what they were told under this key: it has reached them."""
    said = session.scalar(select(Message.uuid).filter_by(user_id=user_id, key=key))
    if said is not None:
        confirm(session, said, via=via, at=at)


def withdraw_key(session: Session, user_id: int, key: str, *, at: datetime) -> None:
    """What one person was told under this key, and has not confirmed, is of no use any more."""
    waiting = select(Message).filter_by(user_id=user_id, key=key, confirmed_at=None)
    message = session.scalar(waiting.where(Message.until_at > at))
    if message is not None:
        timers.cancel(session, message.uuid, TIMER, at=at)
        session.refresh(message, with_for_update=True)
        message.until_at = at
        session.flush()


def next_channel(session: Session, timer: Timer, *, at: datetime) -> None:
    """Nobody confirmed in time: ask the next channel, if there is one and it still matters."""
    message = session.scalar(select(Message).where(Message.uuid == timer.subject).with_for_update())
    if message is not None and message.confirmed_at is None:
        _ask_next(session, message, at=at)


def find_channels(session: Session, person: User | Contact) -> list[str]:
    """By what a person can be reached, the quickest first."""
    reach = {"sms": bool(person.phone), "mail": bool(person.email)}
    if isinstance(person, User):
        reach = {"push": _has_app(session, person.id)} | reach
    return [channel for channel, reaches in reach.items() if reaches]


def _ask_next(session: Session, message: Message, *, at: datetime) -> None:
    if message.tried >= len(message.channels) or message.until_at <= at:
        return
    channel = message.channels[message.tried]
    message.tried += 1
    notifications.request(session, channel, message.uuid, at=at)
    due_at = at + PATIENCE[channel]
    timers.set_timer(session, message.uuid, TIMER, due_at=due_at, at=at)


def _has_app(session: Session, user_id: int) -> bool:
    live = exists().where(PushToken.user_id == user_id, PushToken.dropped_at.is_(None))
    return bool(session.scalar(select(live)))


@lru_cache(maxsize=1)
def _seal() -> Seal:
    return Seal(derive_secret("messages"))
