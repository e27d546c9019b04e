"""Connections that die while nobody uses them are not handed out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from db import session as sessions
from db.addresses import driver_dsn
from db.session import Database
from db.settings import DatabaseSettings

_MINE = text("SELECT pg_backend_pid()")

Connect = Callable[..., Database]


@pytest.fixture
def connect(database: Database) -> Iterator[Connect]:
    """Connections of a process of its own."""
    with ExitStack() as opened:

        def connect(*, tries_again: bool = False, waits_for_disk: bool = True) -> Database:
            settings = DatabaseSettings(database_url=SecretStr(database.url))
            mine = Database(settings, tries_again=tries_again, waits_for_disk=waits_for_disk)
            return opened.enter_context(closing(mine))

        yield connect


@pytest.mark.parametrize("tries_again", [False, True])
def test_a_connection_that_died_while_it_lay_idle_is_made_anew(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, tries_again: bool
) -> None:
    monkeypatch.setattr(sessions, "_SURELY_ALIVE_S", 0.0)
    mine = connect(tries_again=tries_again)
    with mine.transaction() as session:
        idle = session.scalar(_MINE)
    with psycopg.connect(driver_dsn(mine.url), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [idle])
    with mine.transaction() as session:
        assert session.scalar(_MINE) != idle


def test_who_does_not_wait_for_the_disk_says_so_to_the_server(connect: Connect) -> None:
    with connect(waits_for_disk=False).transaction() as session:
        assert session.scalar(text("SHOW synchronous_commit")) == "off"
