"""All who watch orders over a socket, and the one look at the database that serves them all.

What happens to an order rings a bell, which is a hint to look now. Where somebody is rings none: that would
be a ring with every step of every driver. So there is a look each second too, for as long as anybody watches.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.accounts.service import Person
from api.audience import BROKEN, Audience, Listener
from api.orders import looks
from api.orders.interests import Interest, News, Over
from api.orders.sights import Ask, Look
from db import outbox
from db.bell import Bell
from db.session import TRANSIENT, Database
from db.states import Role

log = structlog.get_logger()

_EVERY_S = 1.0
_APART_S = 0.1
"""However often the bell rings, looks are so far apart."""

Render = Callable[[News, Person], Mapping[str, Any] | None]
"""News in the words of a contract; None where it has none for it."""


class Onlooker(Listener):
    """One socket's end: what it wants to know, and how that is said."""

    def __init__(
        self,
        person: Person,
        *,
        needs: frozenset[Role],
        expires_at: datetime,
        at: datetime,
        interest: Interest,
        render: Render,
    ) -> None:
        super().__init__(person, needs=needs, expires_at=expires_at, at=at)
        self.interest = interest
        self._render = render

    def see(self, look: Look) -> None:
        """Have sent what is new; a fault in it costs nobody else a message."""
        try:
            for news in self.interest.see(look, self.person):
                self.tell(self._render(news, self.person))
        except Over as over:
            self.end(over.code, over.reason)
        except Exception as error:
            log.error("an onlooker failed", error=type(error).__name__, exc_info=error)
            self.end(BROKEN, "something went wrong here; it has been logged")

    def tell(self, said: Mapping[str, Any] | None) -> None:
        """Have one message sent."""
        if said is not None:
            self.say(orjson.dumps(said).decode())


class Onlookers(Audience[Onlooker]):
    """Those who watch orders."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._somebody = asyncio.Event()
        self._look_now = asyncio.Event()
        self._blind = False

    def join(self, listener: Onlooker) -> None:
        super().join(listener)
        self._somebody.set()
        self._look_now.set()

    def leave(self, listener: Onlooker) -> None:
        super().leave(listener)
        if not any(self):
            self._somebody.clear()

    async def run(self) -> None:
        """Look, and listen for the bell, until cancelled; while nobody watches, neither."""
        async with asyncio.TaskGroup() as work:
            work.create_task(self._hear_the_bell())
            work.create_task(self._keep_looking())

    async def _hear_the_bell(self) -> None:
        loop = asyncio.get_running_loop()
        # A thread of its own: it waits all the time, and those of the pool have work to do.
        waiting = ThreadPoolExecutor(1, "orders-bell")
        bell = Bell(self._database.url, outbox.ORDERS)
        try:
            while True:
                await self._somebody.wait()
                if await loop.run_in_executor(waiting, bell.wait, _EVERY_S):
                    self._look_now.set()
        finally:
            waiting.submit(bell.close)
            waiting.shutdown(wait=False)

    async def _keep_looking(self) -> None:
        while True:
            await self._somebody.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look_now.wait(), _EVERY_S)
            self._look_now.clear()
            await self._look()
            await asyncio.sleep(_APART_S)

    async def _look(self) -> None:
        asked = list(self)
        ask = Ask.all_of(each.interest.ask() for each in asked)
        try:
            look = await asyncio.to_thread(self._take, ask)
        except SQLAlchemyError as error:
            if not self._blind:
                # Where the database is away there is nothing to mend here.
                why = None if isinstance(error, TRANSIENT) else error
                log.warning("orders cannot be looked at", error=type(error).__name__, exc_info=why)
            self._blind = True
            return
        self._blind = False
        for each in asked:
            each.see(look)

    def _take(self, ask: Ask) -> Look:
        with self._database.transaction() as session:
            return looks.take(session, ask, at=datetime.now(UTC))
