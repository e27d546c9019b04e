"""Real servers for every test that means them; each worker has its own, and takes them away with it."""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr
from sqlalchemy import text
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from api.accounts import passwords
from db import migrate
from db.models import Base
from db.models.regions import DEFAULT_REGION
from db.session import Database
from db.settings import DatabaseSettings
from ops import programs, servers
from ops.places import CHECKOUT
from ops.ports import any_free
from ops.postgres import Postgres
from ops.redis import Redis
from ops.stack import Stack
from tests.servers import Broker

# A property is tried on the same examples each time, however slow the machine that makes them.
hypothesis.settings.register_profile(
    "mayday", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("mayday")

Mayday = Callable[..., str]

# Deleting a test's few rows takes a hundredth of the time that truncating all tables does.
_DELETE_ROWS = "; ".join(
    f"DELETE FROM {table.name}" + (f" WHERE slug <> '{DEFAULT_REGION}'" if table.name == "regions" else "")
    for table in reversed(Base.metadata.sorted_tables)
)
_WITH_CHUNKS = "SELECT DISTINCT hypertable_name FROM timescaledb_information.chunks"


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHash]:
    """What hashes passwords outside of tests; in them they are hashed as cheaply as can be."""
    real = passwords._hasher
    passwords._hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    yield real
    passwords._hasher = real


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of no stack; processes that a test starts are given their own."""
    monkeypatch.setenv("MAYDAY_SECRET", "a secret of the tests alone")


os.environ.setdefault("MAYDAY_SECRET", secrets.token_hex(16))
"""What tests derive their keys from where they name no secret of their own."""


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """Where this worker's servers keep what is theirs; the servers' user can reach it, whoever we are."""
    folder = Path(tempfile.mkdtemp(prefix="mayday-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(servers_folder: Path) -> Iterator[Postgres]:
    """A real PostgreSQL with both extensions and an empty database."""
    server = Postgres(
        servers.install(),
        servers_folder / "postgres",
        any_free(),
        superuser_password=secrets.token_hex(8),
        password=secrets.token_hex(8),
        durable=False,
    )
    server.prepare()
    with programs.running(server.program(), servers_folder / "postgres.log"):
        yield server


@pytest.fixture(scope="session")
def database_url(postgres: Postgres) -> str:
    """The address of a migrated database."""
    url = postgres.sqlalchemy_url()
    migrate.upgrade(url)
    return url


@pytest.fixture(scope="session")
def _database(database_url: str) -> Iterator[Database]:
    """One pool for all tests: a connection that has seen the schema before is ten times as fast."""
    database = Database(DatabaseSettings(database_url=SecretStr(database_url)), name="test")
    yield database
    database.close()


@pytest.fixture
def database(_database: Database) -> Database:
    """A migrated database without a row in it."""
    empty(_database)
    return _database


def empty(database: Database) -> None:
    """Leave no row."""
    with database.transaction() as session:
        for hypertable in session.scalars(text(_WITH_CHUNKS)).all():
            session.execute(text(f"TRUNCATE {hypertable}"))
        session.execute(text(_DELETE_ROWS))


@pytest.fixture(scope="session")
def _broker(servers_folder: Path) -> Iterator[Broker]:
    with Broker(servers_folder / "broker") as broker:
        yield broker


@pytest.fixture
def broker(_broker: Broker) -> Iterator[Broker]:
    """A real Mosquitto; whoever stops or kills it finds it running again in the next test."""
    yield _broker
    if not _broker.runs:
        _broker.start()


@pytest.fixture(scope="session")
def redis(servers_folder: Path) -> Iterator[Redis]:
    """A real Redis."""
    server = Redis(servers.install(), servers_folder / "redis", any_free(), secrets.token_hex(8))
    server.prepare()
    with programs.running(server.program(), servers_folder / "redis.log"):
        yield server


@pytest.fixture(scope="session")
def mayday() -> Iterator[Mayday]:
    """Runs ./mayday on a home of its own, and returns what it printed; in the end nothing of it is left."""
    home = Path(tempfile.mkdtemp(prefix="mayday-stack-"))
    home.chmod(0o711)
    # What the caller set for a stack of their own is not for this one.
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MAYDAY_")}
    cache = {name: os.environ[name] for name in ("MAYDAY_CACHE", "MAYDAY_APT_MIRROR") if name in os.environ}

    def run(*arguments: str) -> str:
        command = [str(CHECKOUT / "mayday"), *arguments]
        environment = kept | cache | {"MAYDAY_HOME": str(home)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    yield run
    run("reset", "--yes")
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(mayday: Mayday) -> dict[str, Any]:
    """A whole stack with its demo, brought up by `./mayday up`: what `./mayday status --json` says."""
    mayday("up", "--detach")
    status: dict[str, Any] = json.loads(mayday("status", "--json"))
    return status


def status_of(stack: dict[str, Any]) -> dict[str, Any]:
    """What `./mayday status --json` says now, without the second that starting it takes."""
    opened = Stack.open(Path(stack["home"]))
    assert opened is not None
    return opened.status()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--alone", choices=("only", "never"), help="Tests marked `alone`: them only, or never.")


class OneStack(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out tests one by one, but those of a whole stack together, for they share it."""

    def _split_scope(self, nodeid: str) -> str:
        on_a_stack = nodeid.startswith(("tests/scenarios/", "tests/integration/ops/test_front_door.py"))
        return "stack" if on_a_stack else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneStack | None:
    return OneStack(config, log) if config.getoption("dist") == "load" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take those of this phase."""
    if phase := config.getoption("alone"):
        alone = [item for item in items if item.get_closest_marker("alone")]
        others = [item for item in items if not item.get_closest_marker("alone")]
        items[:], left_out = (alone, others) if phase == "only" else (others, alone)
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        if isinstance(item, pytest.Function) and "mayday" in item.fixturenames:
            item.add_marker(pytest.mark.scenario)
            # Bringing it up counts as the first test's time.
            item.add_marker(pytest.mark.timeout(600))
