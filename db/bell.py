"""NOTIFY as a hint: look now instead of in a second."""

import time
from types import TracebackType

import psycopg
import structlog
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from db.addresses import driver_dsn

log = structlog.get_logger()

_RUNG = "rung"


def ring(session: Session, channel: str) -> None:
    """Wake whoever listens on `channel`, once this transaction is committed; a second ring adds nothing."""
    session.info.setdefault(_RUNG, set()).add(channel)


def send_rings(session: Session) -> None:
    """Tell the database which bells are to ring at the commit: all of them in one statement."""
    if channels := session.info.pop(_RUNG, None):
        session.execute(
            text("SELECT pg_notify(channel, '') FROM unnest(CAST(:channels AS text[])) AS channel"),
            {"channels": sorted(channels)},
        )


class Bell:
    """Waits for a ring on a channel; without one, or without a database, returns at the end of the wait."""

    def __init__(self, database_url: str, channel: str) -> None:
        self._dsn = driver_dsn(database_url)
        self._channel = channel
        self._connection: psycopg.Connection | None = None

    def wait(self, timeout_s: float) -> bool:
        """True when the bell rang, or may have rung unheard."""
        until = time.monotonic() + timeout_s
        try:
            if self._connection is None:
                self._connection = self._listen()
                return True
            rang = False
            for _ in self._connection.notifies(timeout=timeout_s, stop_after=1):
                rang = True
            return rang
        except psycopg.Error as error:
            log.warning("bell is deaf", channel=self._channel, error=str(error).strip())
            self.close()
            time.sleep(max(0.0, min(until - time.monotonic(), 1.0)))
            return False

    def _listen(self) -> psycopg.Connection:
        connection = psycopg.connect(
            self._dsn, autocommit=True, connect_timeout=5, application_name=f"bell:{self._channel}"
        )
        connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        return connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> "Bell":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
