"""Connections that die while nobody uses them are not handed out."""

import psycopg
import pytest
from sqlalchemy import text

from db import session as sessions
from db.addresses import driver_dsn
from db.session import Database

_MINE = text("SELECT pg_backend_pid()")


def test_a_connection_that_died_while_it_lay_idle_is_made_anew(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_SURELY_ALIVE_S", 0.0)
    with database.transaction() as session:
        idle = session.scalar(_MINE)
    with psycopg.connect(driver_dsn(database.url), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [idle])
    with database.transaction() as session:
        assert session.scalar(_MINE) != idle


def test_who_does_not_wait_for_the_disk_says_so_to_the_server(database: Database) -> None:
    for waits in (True, False):
        mine = Database(name="test", waits_for_disk=waits)
        with mine.transaction() as session:
            said = session.scalar(text("SHOW synchronous_commit"))
            default = session.scalar(
                text("SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'")
            )
        mine.close()
        assert said == (default if waits else "off")
