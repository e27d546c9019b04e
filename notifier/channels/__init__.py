"""The ways of telling somebody; a channel is an object that delivers, or says why it did not."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from db.models import Notification
from db.session import Database


class Undeliverable(Exception):
    """It will not be taken, however often it is offered; the message is what the other side answered."""


class Later(ConnectionError):
    """It may be taken later; `after` is the other side's own word for when, if it gave one."""

    def __init__(self, said: str, *, after: timedelta | None = None) -> None:
        super().__init__(said)
        self.after = after


class Channel(Protocol):
    """One way of telling."""

    @property
    def takes_several(self) -> bool:
        """Whether it tells of several subjects at once."""

    def deliver(self, database: Database, requests: Sequence[Notification]) -> None:
        """Tell what these requests ask for, and mark them done; they are about one subject, or several.

        Raises Undeliverable where trying again is of no use, and the next channel is asked at once; Later,
        or any other error, is tried again.
        """
