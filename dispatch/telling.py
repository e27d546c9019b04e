"""Telling people: one message each, by one channel after the other until it is confirmed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from broker.settings import derive_secret
from db import notifications, push_tokens, timers, work
from db.models import Contact, Device, Incident, Message, Notification, Timer, User
from db.seal import Seal

TIMER = notifications.UNCONFIRMED
ORDER_TIMER = work.of_orders(TIMER)
"""What is told of an order waits and is sent apart from what is told of a call for help."""

PATIENCE = {"push": timedelta(seconds=10), "sms": timedelta(seconds=30), "mail": timedelta(seconds=60)}
"""How long a channel may take to be confirmed before the next is asked."""

NOTHING: Mapping[str, str] = {}
"""What a text is filled with that says the same to everybody."""


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
    channel reaches them, and where the chain only tries itself. In an exercise the words begin with that.
    """
    incident = session.get(Incident, incident_id) if incident_id else None
    if incident is not None and incident.canary:
        return None
    exercise = incident is not None and incident.exercise
    about = {"incident_id": incident_id, "key": key, "text": text, "created_at": at, "until_at": until_at}
    return _make(session, person, find_channels(session, person), about, values, exercise=exercise, at=at)


def tell_of_order(
    session: Session,
    person: User,
    text: str,
    *,
    order_id: int,
    by: Collection[str],
    key: str,
    until_at: datetime,
    at: datetime,
    values: Mapping[str, str] = NOTHING,
) -> Message | None:
    """The same about an order, by these channels alone; it is sent apart, so that no call for help waits."""
    channels = [channel for channel in find_channels(session, person) if channel in by]
    about = {"order_id": order_id, "key": key, "text": text, "created_at": at, "until_at": until_at}
    return _make(session, person, channels, about, values, exercise=False, at=at)


@dataclass(frozen=True, slots=True)
class Words:
    """What a message says, for whoever puts it into words."""

    values: Mapping[str, str]
    exercise: bool


def read(message: Message) -> Words:
    """What a message was filled with; nothing of it is left once its words are erased."""
    if not message.sealed:
        return Words({}, exercise=False)
    said = _seal().open(message.sealed)
    return Words(said["values"], exercise=said.get("exercise", False))


def confirm(
    session: Session, message_id: UUID, *, via: str, at: datetime, by: int | None = None
) -> Message | None:
    """It has reached its person: no further channel is asked. None where there is no such message.

    `by` is who says so; what was for somebody else is then not there.
    """
    wanted = select(Message).where(Message.uuid == message_id)
    found = session.scalar(wanted if by is None else wanted.where(Message.user_id == by))
    if found is None:
        return None
    # The timer first, then its message, as the timer that fires meanwhile does: neither waits for the other.
    timers.cancel(session, found.uuid, TIMER, ORDER_TIMER, at=at)
    session.refresh(found, with_for_update=True)
    if found.confirmed_at is None:
        found.confirmed_at, found.confirmed_via = at, via
        session.flush()
    return found


def find_replied(session: Session, device_id: int, frame_id: str) -> UUID | None:
    """The message that a phone of its person replies to, by the `m` and its number."""
    number = frame_id.removeprefix("m")
    if number == frame_id or not (number.isascii() and number.isdecimal()) or len(number) > 18:
        return None
    of_device = select(Device.owner_id).where(Device.id == device_id).scalar_subquery()
    return session.scalar(select(Message.uuid).where(Message.id == int(number), Message.user_id == of_device))


def refuse(session: Session, message_id: UUID, channel: str, *, said: str, at: datetime) -> None:
    """The channel had taken it and could not bring it after all: the next one is asked at once."""
    _note(session, message_id, channel, ok=False, said=said, at=at)
    notifications.hand_over(session, message_id, channel, at=at)


def receive(session: Session, message_id: UUID, channel: str, *, said: str, at: datetime) -> None:
    """The channel says that it has brought it, which counts as the person's own word."""
    _note(session, message_id, channel, ok=True, said=said, at=at)
    confirm(session, message_id, via=channel, at=at)


def withdraw(session: Session, incident_id: UUID, *, at: datetime) -> None:
    """What has not reached anybody yet is of no use any more: the incident is over."""
    _withdraw(session, Message.incident_id == incident_id, at=at)


def withdraw_of_order(
    session: Session, order_id: int, texts: Collection[str], *, before: datetime, at: datetime
) -> None:
    """The same of an order that went on at that moment: what was to be told of how it stood."""
    stale = Message.text.in_(texts) & (Message.created_at < before)
    _withdraw(session, (Message.order_id == order_id) & stale, at=at)


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
        timers.cancel(session, message.uuid, TIMER, ORDER_TIMER, at=at)
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


def _make(
    session: Session,
    person: User | Contact,
    channels: list[str],
    about: Mapping[str, Any],
    values: Mapping[str, str],
    *,
    exercise: bool,
    at: datetime,
) -> Message | None:
    if not channels:
        return None
    whose = {"contact_id" if isinstance(person, Contact) else "user_id": person.id}
    wanted = {
        "text": about["text"],
        "language": person.language,
        "values": dict(values),
        "exercise": exercise,
    }
    made: Message | None = session.scalar(
        insert(Message)
        .values(sealed=_seal().close(wanted), channels=channels, **about, **whose)
        .on_conflict_do_nothing()
        .returning(Message)
    )
    if made is None:
        return session.scalars(select(Message).filter_by(key=about["key"], **whose)).one()
    _ask_next(session, made, at=at)
    return made


def _withdraw(session: Session, which: ColumnElement[bool], *, at: datetime) -> None:
    waiting = (which, Message.confirmed_at.is_(None), Message.until_at > at)
    for message_id in session.scalars(select(Message.uuid).where(*waiting)).all():
        timers.cancel(session, message_id, TIMER, ORDER_TIMER, at=at)
    for message in session.scalars(select(Message).where(*waiting).order_by(Message.id).with_for_update()):
        message.until_at = at


def _note(session: Session, message_id: UUID, channel: str, *, ok: bool, said: str, at: datetime) -> None:
    kinds = (channel, work.of_orders(channel))
    asked = select(Notification).where(Notification.subject == message_id, Notification.kind.in_(kinds))
    request = session.scalar(asked.order_by(Notification.id.desc()).limit(1))
    if request is not None:
        notifications.record_attempt(session, request, ok=ok, answer=said, at=at)


def _ask_next(session: Session, message: Message, *, at: datetime) -> None:
    if message.tried >= len(message.channels) or message.until_at <= at:
        return
    channel = message.channels[message.tried]
    message.tried += 1
    is_of_orders = message.order_id is not None
    asked = work.of_orders(channel) if is_of_orders else channel
    notifications.request(session, asked, message.uuid, at=at)
    timer = ORDER_TIMER if is_of_orders else TIMER
    timers.set_timer(session, message.uuid, timer, due_at=at + PATIENCE[channel], at=at, channel=channel)


def _has_app(session: Session, user_id: int) -> bool:
    return bool(session.scalar(select(push_tokens.live(user_id).exists())))


@lru_cache(maxsize=1)
def _seal() -> Seal:
    return Seal(derive_secret("messages"))
