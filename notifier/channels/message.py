"""Messages to one person: unsealed for the moment of sending, forgotten as soon as they are sent."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from db import notifications, work
from db.models import Notification
from db.seal import Seal
from db.session import Database
from notifier import contents
from notifier.channels import Undeliverable


@dataclass(frozen=True, slots=True)
class Message:
    """What is said to whom; `id` is the same when it is sent again."""

    id: uuid.UUID
    to: str
    title: str
    text: str


class Port(Protocol):
    """A provider: whoever takes a message and brings it to a person."""

    def send(self, message: Message) -> str:
        """Hand it over; returns what the provider answered, or raises as a channel does."""


class Messages:
    """One channel of messages; nothing is sent inside a transaction.

    Whoever dies between sending and noting it sends again: twice is better than never.
    """

    takes_several = False

    def __init__(self, seal: Seal, port: Port) -> None:
        self._seal = seal
        self._port = port

    def deliver(self, database: Database, requests: Sequence[Notification]) -> None:
        """Send each, and forget what it said."""
        for request in requests:
            answer = self._send(database, request)
            with database.transaction() as session:
                at = datetime.now(UTC)
                notifications.clear(session, request)
                notifications.close(session, [request], answer=answer, at=at)

    def _send(self, database: Database, request: Notification) -> str:
        said = contents.read(database, request, self._seal, at=datetime.now(UTC))
        try:
            return said.censored(self._port.send(Message(said.id, said.to, said.title, said.text)))
        except Undeliverable as refusal:
            raise Undeliverable(said.censored(str(refusal))) from None


class Nobody:
    """The channel of requests about people who are not there: they are done when they are read.

    Whoever asks for something on behalf of a stranger must not see that less was done.
    """

    takes_several = False

    def deliver(self, database: Database, requests: Sequence[Notification]) -> None:
        """Forget them."""
        with database.transaction() as session:
            for request in requests:
                notifications.clear(session, request)
                work.finish(session, request, at=datetime.now(UTC))
