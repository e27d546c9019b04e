"""The telemetry lane: receive, batch, commit, answer, acknowledge; in this order nothing is lost."""

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TypeVar

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from broker import process
from broker.session import Delivery, Lost, Message, Session, SessionOptions
from broker.settings import BrokerSettings
from broker.topics import LINES, Service
from db import telemetry
from db.session import TRANSIENT, Database
from dispatch import commands
from dispatch.errors import DomainError
from dispatch.orders import offers
from dispatch.sos import calls, receipts
from ingest import handlers, quarantine
from ingest.handlers import Digest

log = structlog.get_logger()

T = TypeVar("T")

LANE = "telemetry"

# A delivery is as large as the load makes it: a message at rest, in a flood what came during the last commit.
MOST_MESSAGES = 8_000
MOST_BYTES = 1 << 20
LINGER_S = 0.01
_PATIENCE_S = 0.5
_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 2.0


def main() -> None:
    """Run the lane until told to stop."""
    settings = BrokerSettings()
    options = SessionOptions(
        host=settings.mqtt_host,
        port=settings.mqtt_port,
        client_id=settings.client_id(LANE),
        username=Service.INGEST,
        password=settings.password(Service.INGEST),
        filters=[f"$share/{LANE}/{LINES[channel].filter()}" for channel in handlers.CHANNELS],
    )
    database = Database(name=LANE)
    # Rows come and go by the ten thousand and refer to nothing: the collector would look at them in vain.
    gc.set_threshold(100_000)
    with process.running(LANE) as life:
        asyncio.run(Lane(database, Session(options), life).run())
    database.close()


class Lane:
    """Reads one delivery while the one before is written; they are acknowledged in their order."""

    def __init__(self, database: Database, session: Session, life: process.Life) -> None:
        self._session = session
        self._life = life
        self._database = database
        self._devices = Devices(database)
        self._has_been_ready = False

    async def run(self) -> None:
        """Work until told to stop; what is being written by then is brought to its end."""
        receiving = asyncio.create_task(self._session.run())
        writing: asyncio.Task[None] | None = None
        try:
            while not self._life.stopping.is_set() and not receiving.done():
                self._beat()
                delivery = await self._session.receive(
                    most_messages=MOST_MESSAGES,
                    most_bytes=MOST_BYTES,
                    linger_s=LINGER_S,
                    patience_s=_PATIENCE_S,
                )
                if delivery is None:
                    continue
                digest = await asyncio.to_thread(self._insist, partial(self._read, delivery.messages))
                if writing is not None:
                    await writing
                if digest is not None:
                    writing = asyncio.create_task(self._write_and_finish(delivery, digest))
            if writing is not None:
                await writing
        finally:
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await receiving

    async def _write_and_finish(self, delivery: Delivery, digest: Digest) -> None:
        written = await asyncio.to_thread(self._insist, partial(self._write, digest))
        if not written:
            return
        try:
            await delivery.answer(digest.answers)
        except Lost:
            log.info("not answered: the connection is gone", answers=len(digest.answers))
        delivery.acknowledge()

    def _read(self, messages: list[Message]) -> Digest:
        at = datetime.now(UTC)
        device_ids = self._devices.ids(handlers.uids_of(messages), at=at)
        digest = handlers.digest(messages, device_ids, at=at)
        digest.batch.phones = self._devices.phones
        return digest

    def _write(self, digest: Digest) -> bool:
        # Each by itself: who holds a call for help must not wait for another one meanwhile.
        refusals = [self._settle(reply, digest.at) for reply in digest.replies]
        with self._database.transaction() as session:
            unasked = handlers.find_unasked(digest, refusals)
            digest.batch.refused = [
                quarantine.row(LANE, each.topic, each.payload, uid=each.uid, reason=each.reason, at=digest.at)
                for each in (*digest.refused, *map(handlers.as_refused, unasked))
            ]
            telemetry.store(session, digest.batch, lane=LANE)
        handlers.answer_replies(digest, refusals)
        return True

    def _settle(self, said: handlers.Reply, at: datetime) -> str | None:
        """Take a reply to a command, an offer or a message; says why where that cannot be.

        Taken again, as when what came with it could not be written, it is the same.
        """
        device_id, frame = said.device_id, said.frame
        try:
            with self._database.transaction() as session:
                known = (
                    commands.settle(session, device_id, frame.id, ok=frame.ok, why=frame.why, at=at)
                    or calls.settle(
                        session, device_id, frame.id, ok=frame.ok, eta_s=frame.eta, why=frame.why, at=at
                    )
                    or offers.settle(session, device_id, frame.id, ok=frame.ok, why=frame.why, at=at)
                    or receipts.confirm_reply(session, device_id, frame.id, at=at)
                )
        except TRANSIENT:
            raise
        except DomainError as refusal:
            return refusal.message
        except Exception as error:
            # One reply that never can be taken must not keep the lane from all that comes behind it.
            log.exception("a reply cannot be taken", uid=said.uid)
            return f"{type(error).__name__} while it was taken"
        return None if known else handlers.NOT_ASKED

    def _insist(self, work: Callable[[], T]) -> T | None:
        """Do what needs the database, however long it is away; None when told to stop before it is back."""
        pause_s = _FIRST_RETRY_S
        while True:
            try:
                return work()
            except (psycopg.Error, SQLAlchemyError) as error:
                log.warning("the database is away", error=str(error).strip(), retry_in_s=pause_s)
            self._beat()
            if self._life.stopping.wait(pause_s):
                return None
            pause_s = min(pause_s * 2, _LONGEST_RETRY_S)

    def _beat(self) -> None:
        # Ready is who has once been connected; that the broker is away is not this process's fault.
        self._has_been_ready = self._has_been_ready or self._session.is_connected
        if self._has_been_ready:
            self._life.beat()


class Devices:
    """The ids behind the uids, at hand: a new device is known in a second, a retired one gone in a few."""

    NEGATIVE_S = 1.0
    LOOK_S = 2.0
    FORGET_S = 300.0

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: dict[str, int] = {}
        self.phones: frozenset[int] = frozenset()  # never changed in place: a writer may be reading it
        self._unknown_until: dict[str, float] = {}
        self._looked_at: datetime | None = None
        self._look_at = 0.0
        self._forget_at = 0.0

    def ids(self, uids: Iterable[str], *, at: datetime) -> dict[str, int]:
        """The known devices, at least those among `uids`."""
        now = time.monotonic()
        if now >= self._look_at:
            self._drop_retired(now, at)
        missing = [uid for uid in uids if uid not in self._ids and self._unknown_until.get(uid, 0.0) <= now]
        if missing:
            with self._database.transaction() as session:
                found = telemetry.find_device_ids(session, missing)
                # What a device is never changes: watches are not asked after again.
                self.phones |= telemetry.find_phones(session, found.values())
            self._ids |= found
            self._unknown_until |= {uid: now + self.NEGATIVE_S for uid in missing if uid not in found}
        return self._ids

    def _drop_retired(self, now: float, at: datetime) -> None:
        if now >= self._forget_at:
            # Once in a while everything is asked anew: a row may also have been deleted by hand.
            self._ids.clear()
            self.phones = frozenset()
            self._forget_at = now + self.FORGET_S
        elif self._looked_at is not None:
            # The overlap covers commits that come late, and clocks that differ.
            with self._database.transaction() as session:
                for uid in telemetry.find_retired(session, since=self._looked_at - timedelta(minutes=1)):
                    self._ids.pop(uid, None)
        self._unknown_until = {uid: until for uid, until in self._unknown_until.items() if until > now}
        self._looked_at, self._look_at = at, now + self.LOOK_S
