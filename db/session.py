"""Engines and transactions; nowhere else commits."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from db import bell
from db.settings import DatabaseSettings

TRANSIENT = (OperationalError, InterfaceError, PoolTimeoutError)
"""The database is away, busy or full: the same work may succeed when it is tried again."""

# A statement that hangs must not take a worker with it: it fails, and the work is claimed again.
_LIMITS = (
    "-c statement_timeout=15s -c lock_timeout=5s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
)


class Database:
    """The connections of one process."""

    def __init__(self, settings: DatabaseSettings | None = None, *, name: str = "mayday") -> None:
        settings = settings or DatabaseSettings()
        self.url = settings.database_url.get_secret_value()
        self.engine: Engine = create_engine(
            self.url,
            pool_size=settings.database_pool,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"application_name": name, "connect_timeout": 5, "options": _LIMITS},
        )
        event.listen(self.engine, "handle_error", _name_nobody)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed at the end of the block, or not at all."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session
            session.flush()
            bell.send_rings(session)

    def close(self) -> None:
        self.engine.dispose()


def _name_nobody(trouble: ExceptionContext) -> None:
    """What the server adds to a row's fault shows the row; an error is logged and kept, and names nobody."""
    fault, told = trouble.original_exception, trouble.sqlalchemy_exception
    if not isinstance(fault, (psycopg.IntegrityError, psycopg.DataError)) or told is None:
        return
    whole, brief = str(fault), fault.diag.message_primary or type(fault).__name__
    fault.args = (brief,)
    told.args = (str(told.args[0]).replace(whole, brief),)
