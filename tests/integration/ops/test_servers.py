"""The embedded servers: what they keep, whom they let in, and how they come back."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from ops import files, programs, servers
from ops.ports import any_free
from ops.postgres import Postgres
from ops.redis import Redis
from ops.trouble import Trouble
from tests.servers import WAIT_S, Broker


@pytest.fixture
def own_postgres(servers_folder: Path) -> Iterator[Postgres]:
    """A server of this test's own, to be treated badly."""
    server = Postgres(
        servers.install(), servers_folder / "own/postgres", any_free(), superuser_password="su", password="pw"
    )
    server.data.parent.mkdir(mode=0o711)
    server.prepare()
    yield server
    shutil.rmtree(server.data.parent)


def test_the_database_is_as_the_project_needs_it(postgres: Postgres) -> None:
    asked = {
        "SELECT postgis_version() IS NOT NULL": True,
        "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'": 1,
        "SELECT rolsuper FROM pg_roles WHERE rolname = 'mayday'": False,
        "SHOW listen_addresses": "127.0.0.1",
        "SHOW unix_socket_directories": "",
        "SHOW timescaledb.telemetry_level": "off",
        "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'mayday'": "bC.UTF-8",
        "SHOW data_checksums": "on",
    }
    with psycopg.connect(postgres.superuser_dsn("mayday")) as connection:
        answers = {query: connection.execute(query.encode()).fetchone() for query in asked}
    assert answers == {query: (answer,) for query, answer in asked.items()}


def test_nobody_gets_in_without_the_password(postgres: Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(replace(postgres, password="guessed").dsn())


def test_what_was_committed_outlives_kill_9_and_a_lock_with_a_strangers_pid(own_postgres: Postgres) -> None:
    log = own_postgres.data.parent / "log"
    with programs.running(own_postgres.program(), log) as process:
        with psycopg.connect(own_postgres.dsn()) as connection:
            connection.execute("CREATE TABLE kept (id int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        process.kill()
        process.wait()
    lock = own_postgres.data / "postmaster.pid"
    written = lock.read_text().splitlines()
    # The pid went to another process of the same user, which Postgres takes for itself.
    stranger = subprocess.Popen(
        ["sleep", "60"], user=own_postgres.data.stat().st_uid if os.geteuid() == 0 else None
    )
    try:
        files.write(lock, "\n".join([str(stranger.pid), *written[1:]]) + "\n", for_owner=True)
        with programs.running(own_postgres.program(), log), psycopg.connect(own_postgres.dsn()) as connection:
            assert connection.execute("SELECT id FROM kept").fetchall() == [(7,)]
    finally:
        stranger.kill()
        stranger.wait()


def test_a_database_made_with_other_secrets_is_told_in_one_line(own_postgres: Postgres) -> None:
    with (
        programs.running(own_postgres.program(), own_postgres.data.parent / "log"),
        pytest.raises(Trouble, match=r"made with other secrets; bring back the secrets\.json"),
    ):
        replace(own_postgres, superuser_password="other").ask()


def test_what_waits_in_redis_outlives_kill_9(servers_folder: Path) -> None:
    server = Redis(servers.install(), servers_folder / "own-redis", any_free(), "pw")
    server.prepare()

    def say(line: str) -> bytes:
        with socket.create_connection(("127.0.0.1", server.port), timeout=WAIT_S) as connection:
            connection.sendall(f"AUTH pw\r\n{line}\r\nQUIT\r\n".encode())
            return b"".join(iter(lambda: connection.recv(4096), b""))

    with programs.running(server.program(), servers_folder / "own-redis.log") as process:
        say("RPUSH queue a-task")
        time.sleep(1.2)
        process.kill()
        process.wait()
    with programs.running(server.program(), servers_folder / "own-redis.log"):
        assert b"a-task" in say("LRANGE queue 0 -1")


def test_a_client_that_trusts_our_authority_trusts_the_broker_by_every_name(broker: Broker) -> None:
    context = ssl.create_default_context(cafile=str(broker.ca))
    for name in ("localhost", "127.0.0.1", socket.gethostname()):
        with (
            socket.create_connection(("127.0.0.1", broker.ports["mqtt_tls"]), timeout=WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            assert secure.version() in ("TLSv1.2", "TLSv1.3")


def test_the_broker_starts_without_its_database_when_that_was_cut_short(broker: Broker) -> None:
    broker.stop()
    database = broker.server.folder / "data/mosquitto.db"
    database.write_bytes(database.read_bytes()[:-3] if database.exists() else b"cut")
    broker.start()
    assert list(database.parent.glob("mosquitto.db.broken-*"))
