"""Those who listen, each with a bounded queue and the right to listen."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.accounts import service, sessions
from api.accounts.service import Person
from api.accounts.tokens import Access
from api.board import Change
from broker.topics import may_see_region
from db.session import Database
from db.states import Role

log = structlog.get_logger()

Render = Callable[[Change], str | None]
Ending = tuple[int, str]

UNAUTHENTICATED = 4401
FORBIDDEN = 4403
NOT_FOUND = 4404
BROKEN = 1011
TRY_AGAIN = 1013

_BACKLOG = 100


class Listener:
    """One socket's end of the news: what waits to be sent, and why it must be closed."""

    def __init__(self, person: Person, *, needs: frozenset[Role], expires_at: datetime, at: datetime) -> None:
        self.person = person
        self.session_id = person.session_id
        self.needs = needs
        self.waiting: asyncio.Queue[str] = asyncio.Queue(_BACKLOG)
        self._loop = asyncio.get_running_loop()
        self.ending: asyncio.Future[Ending] = self._loop.create_future()
        self._expiry = self._loop.call_later(0, lambda: None)
        self.extend(expires_at, at=at)

    def say(self, text: str) -> None:
        """Queue what is to be sent; who cannot keep up is cut off."""
        try:
            self.waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.end(TRY_AGAIN, "too slow")

    def renew(self, access: Access, *, at: datetime) -> None:
        """Go on with a newer token, and end with its login."""
        self.session_id = access.session
        self.extend(access.expires_at, at=at)

    def extend(self, expires_at: datetime, *, at: datetime) -> None:
        """End when the token does."""
        self._expiry.cancel()
        self._expiry = self._loop.call_later(
            (expires_at - at).total_seconds(), self.end, UNAUTHENTICATED, "token expired"
        )

    def end(self, code: int, reason: str) -> None:
        """Have the socket closed with this code."""
        self._expiry.cancel()
        if not self.ending.done():
            self.ending.set_result((code, reason))

    def recheck(self, person: Person | None, *, ended: Collection[uuid.UUID] = ()) -> None:
        """End unless the person, as of now, may still listen and has not logged out."""
        if person is None:
            self.end(UNAUTHENTICATED, "no such account")
        elif not person.active:
            self.end(FORBIDDEN, "account is blocked")
        elif self.session_id in ended:
            self.end(UNAUTHENTICATED, "this session has ended")
        elif not person.has(*self.needs):
            self.end(FORBIDDEN, "role was taken away")
        else:
            self.person = person


class AlertListener(Listener):
    """Listens to calls for help."""

    def __init__(
        self, person: Person, *, needs: frozenset[Role], expires_at: datetime, at: datetime, render: Render
    ) -> None:
        super().__init__(person, needs=needs, expires_at=expires_at, at=at)
        self._render = render

    def offer(self, change: Change) -> None:
        """Have the change sent, if it is any of this socket's business."""
        if not may_see_region(self.person.watched, change.alert.region):
            return
        text = self._render(change)
        if text is not None:
            self.say(text)


L = TypeVar("L", bound=Listener)


class Audience(Generic[L]):
    """All in this process who listen to the same."""

    def __init__(self) -> None:
        self._listeners: set[L] = set()

    def __iter__(self) -> Iterator[L]:
        return iter(list(self._listeners))

    def join(self, listener: L) -> None:
        self._listeners.add(listener)

    def leave(self, listener: L) -> None:
        self._listeners.discard(listener)

    def count(self) -> Counter[uuid.UUID]:
        """How many sockets each person holds."""
        return Counter(each.person.uuid for each in self._listeners)

    async def keep_rights(self, database: Database, *, every_s: float) -> None:
        """Close the sockets of those who lost the right to listen, for as long as this runs."""
        while True:
            await asyncio.sleep(every_s)
            # Who joins while others are looked up was looked up at the door.
            asked = list(self)
            if not asked:
                continue
            try:
                users = {each.person.uuid for each in asked}
                logins = {each.session_id for each in asked if each.session_id}
                people, ended = await asyncio.to_thread(_look_up, database, users, logins)
            except SQLAlchemyError as error:
                log.warning("rights of listeners not checked", error=type(error).__name__)
                continue
            for listener in asked:
                listener.recheck(people.get(listener.person.uuid), ended=ended)


def _look_up(
    database: Database, users: set[uuid.UUID], logins: set[uuid.UUID]
) -> tuple[dict[uuid.UUID, Person], set[uuid.UUID]]:
    with database.transaction() as session:
        return service.find_people(session, users), sessions.find_ended(session, logins)
