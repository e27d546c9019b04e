"""Engines and transactions; nowhere else commits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from db import bell
from db.settings import DatabaseSettings

TRANSIENT = (OperationalError, InterfaceError, PoolTimeoutError)
"""The database is away, busy or full: the same work may succeed when it is tried again."""

# A statement that hangs must not take a worker with it: it fails, and the work is claimed again.
_LIMITS = (
    "-c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
)

_USED_AT = "used_at"
_SURELY_ALIVE_S = 1.0
"""A connection that was in use so lately is not asked whether it lives: to ask costs as much as to work."""


class Database:
    """The connections of one process.

    Who tries again may, once in a while, be handed one that has just died. Who does not wait for the disk may
    find the last second undone after a power cut: that is only for who then does the same again.
    """

    def __init__(
        self,
        settings: DatabaseSettings | None = None,
        *,
        name: str = "mayday",
        tries_again: bool = False,
        waits_for_disk: bool = True,
    ) -> None:
        options = _LIMITS if waits_for_disk else f"{_LIMITS} -c synchronous_commit=off"
        settings = settings or DatabaseSettings()
        self.url = settings.database_url.get_secret_value()
        self.engine: Engine = create_engine(
            self.url,
            pool_size=settings.database_pool,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=not tries_again,
            hide_parameters=True,
            connect_args={"application_name": name, "connect_timeout": 5, "options": options},
        )
        event.listen(self.engine, "handle_error", _name_nobody)
        if tries_again:
            event.listen(self.engine, "checkin", _note_use)
            event.listen(self.engine, "checkout", self._ask_if_alive)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or not at all."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
            session.flush()
            bell.send_rings(session)

    def close(self) -> None:
        self.engine.dispose()

    def _ask_if_alive(self, connection: Any, record: ConnectionPoolEntry, _: Any) -> None:
        """Hand out no connection that died while it lay idle; where one did, all are made anew."""
        used_at = record.info.get(_USED_AT)
        if used_at is None or time.monotonic() - used_at < _SURELY_ALIVE_S:
            return
        try:
            self.engine.dialect.do_ping(connection)
        except psycopg.Error as error:
            raise InvalidatePoolError(str(error)) from error


def _note_use(_: Any, record: ConnectionPoolEntry) -> None:
    record.info[_USED_AT] = time.monotonic()


def _name_nobody(trouble: ExceptionContext) -> None:
    """What the server adds to a row's fault shows the row; an error is logged and kept, and names nobody."""
    fault, told = trouble.original_exception, trouble.sqlalchemy_exception
    if not isinstance(fault, (psycopg.IntegrityError, psycopg.DataError)) or told is None:
        return
    whole, brief = str(fault), fault.diag.message_primary or type(fault).__name__
    fault.args = (brief,)
    told.args = (str(told.args[0]).replace(whole, brief),)
