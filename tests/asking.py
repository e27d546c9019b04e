"""Drivers who are asked to take an order, and what they answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from db import push_tokens
from db.models import Message, Notification, Order, OrderOffer, Timer, User
from db.session import Database
from db.states import WorkStatus
from dispatch.orders import offers, queries, relay, silence, withdrawing
from dispatch.reacting import look_at_each
from tests.builders import NOON


def make_offer(
    database: Database, order: Order, driver: User, *, at: datetime = NOON, **said: Any
) -> OrderOffer | None:
    """Ask a driver to take an order, in a transaction of its own; None where they are engaged."""
    how: dict[str, Any] = {"distance_m": 300.0, "eta_s": 240, "score": 240.0, "terms": {"eta_s": 240}} | said
    with database.transaction() as session:
        held = queries.lock_order(session, queries.by_id(order.id))
        return offers.make(session, held, driver.id, at=at, **how)


def offer_of(database: Database, driver: User) -> OrderOffer:
    """What a driver was last asked, as it stands."""
    with database.transaction() as session:
        newest_first = select(OrderOffer).where(OrderOffer.driver_id == driver.id).order_by(-OrderOffer.id)
        return session.scalars(newest_first.limit(1)).one()


def accept(database: Database, driver: User, *, at: datetime = NOON, via: str = "http") -> Order:
    """Take what one was last asked to take."""
    asked = offer_of(database, driver)
    with database.transaction() as session:
        return offers.accept(session, asked.uuid, by=driver.id, via=via, at=at)


def decline(database: Database, driver: User, *, at: datetime = NOON, why: str | None = None) -> Order:
    """Say no to what one was last asked to take."""
    asked = offer_of(database, driver)
    with database.transaction() as session:
        return offers.decline(session, asked.uuid, by=driver.id, via="http", why=why, at=at)


def give_app(database: Database, *people: User) -> None:
    """An app each, so that they can be pushed to."""
    with database.transaction() as session:
        for person in people:
            push_tokens.register(
                session,
                f"token-{person.id}",
                user_id=person.id,
                login=None,
                platform="android",
                at=NOON,
            )


def settle(database: Database, at: datetime) -> None:
    """Let the process of orders react until nothing is due, and look once who is silent; no round is run."""
    while relay.turn(database, at=at):
        pass
    look_at_each(database, silence.look, silence.attend, at=at)
    while relay.turn(database, at=at):
        pass


def deadlines(database: Database) -> dict[str, datetime]:
    """The offers that wait for their deadline, and when it is."""
    waits = select(Timer).where(Timer.kind == withdrawing.TIMER, Timer.status == WorkStatus.WAITING)
    with database.transaction() as session:
        return {str(timer.subject): timer.due_at for timer in session.scalars(waits)}


def told(database: Database, person: User) -> list[str]:
    """What somebody was told, in its order."""
    return [message.text for message in messages_to(database, person)]


def messages_to(database: Database, person: User) -> Sequence[Message]:
    """The messages themselves."""
    with database.transaction() as session:
        own = select(Message).where(Message.user_id == person.id)
        return session.scalars(own.order_by(Message.id)).all()


def asked_for(database: Database, kind: str) -> list[str]:
    """The subjects of all that is to be told on a channel."""
    with database.transaction() as session:
        wanted = select(Notification.subject).where(Notification.kind == kind).order_by(Notification.id)
        return [str(subject) for subject in session.scalars(wanted)]
