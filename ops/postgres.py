"""PostgreSQL with TimescaleDB and PostGIS, in a folder of its own."""

import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from ops import files
from ops.places import make_private, owner, remove
from ops.programs import Answer, Program, telling_line
from ops.servers import Servers
from ops.trouble import Trouble

DATABASE = "mayday"
ROLE = "mayday"
EXTENSIONS = ("timescaledb", "postgis")

SETTINGS = """\
# Written at each start; your own settings go into local.conf beside this file and win.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 100
password_encryption = 'scram-sha-256'
shared_preload_libraries = 'timescaledb'
timescaledb.telemetry_level = off
timescaledb.max_background_workers = 4
max_worker_processes = 12

# An acknowledged SOS is on the disk.
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}

# Small machines: a quarter of a gigabyte in all, checkpoints that do not stall the SOS lane.
shared_buffers = '128MB'
dynamic_shared_memory_type = {shared_memory}
work_mem = '8MB'
maintenance_work_mem = '64MB'
max_wal_size = '1GB'
min_wal_size = '128MB'
wal_compression = 'lz4'
checkpoint_timeout = '10min'
random_page_cost = 1.1
effective_io_concurrency = 16
max_parallel_workers_per_gather = 0
# Its library is not part of the embedded servers, and short statements gain nothing from it.
jit = off

timezone = '{timezone}'
log_timezone = '{timezone}'
log_line_prefix = '%m [%p] %q%a '
log_min_duration_statement = '1s'
# Statements without their values, errors without the row: the log names nobody.
log_parameter_max_length = 0
log_error_verbosity = terse
log_lock_waits = on
log_checkpoints = off

include = 'local.conf'
"""
ACCESS = "# Written at each start.\nhost all all 127.0.0.1/32 scram-sha-256\n"


def set_up(superuser_dsn: Callable[[str], str], *, password: str, database: str = DATABASE) -> None:
    """Make the role without power, its database and the extensions; said again, it changes nothing."""
    with psycopg.connect(superuser_dsn("postgres"), autocommit=True) as connection:
        role, name = sql.Identifier(ROLE), sql.Identifier(database)
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
            )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))
    with psycopg.connect(superuser_dsn(database), autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))


@dataclass(frozen=True)
class Postgres:
    """One server; everything it needs is named here, and all it writes lies in its folder."""

    servers: Servers
    data: Path
    port: int
    superuser_password: str
    password: str
    durable: bool = True

    def dsn(self, database: str = DATABASE) -> str:
        """The address for psql and psycopg, as the role without power."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.port}/{database}"

    def superuser_dsn(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:{self.superuser_password}@127.0.0.1:{self.port}/{database}"

    def sqlalchemy_url(self, database: str = DATABASE) -> str:
        """The address as our own processes take it."""
        return self.dsn(database).replace("postgresql://", "postgresql+psycopg://", 1)

    def prepare(self) -> None:
        """Make the data folder unless it is there, and write the configuration anew."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        if (made_by := self.data.stat().st_uid) != owner().uid:
            raise Trouble(
                f"{self.data} belongs to user {made_by}, who started it first; start it as that user"
            )
        settings = SETTINGS.format(
            port=self.port,
            durable="on" if self.durable else "off",
            # A bare container may lack either.
            timezone="UTC" if Path("/usr/share/zoneinfo/UTC").exists() else "GMT",
            shared_memory="posix" if _all_may_write(Path("/dev/shm")) else "mmap",  # noqa: S108
        )
        if not (self.data / "local.conf").exists():
            files.write(self.data / "local.conf", "", for_owner=True)
        files.write(self.data / "postgresql.conf", settings, for_owner=True)
        files.write(self.data / "pg_hba.conf", ACCESS, for_owner=True)

    def program(self) -> Program:
        return Program(
            name="postgres",
            command=(str(self.servers.postgres_bin / "postgres"), "-D", str(self.data)),
            environment=self.servers.environment(),
            folder=self.data,
            ask=self.ask,
            before_start=self._clear_stale_lock,
            when_ready=self.set_up,
            as_owner=True,
            # Fast shutdown: sessions are ended, nothing is lost.
            stop_signal=signal.SIGINT,
            stop_within_s=30.0,
            ready_within_s=120.0,
        )

    def ask(self) -> Answer:
        """Whether it takes connections; while it recovers from a crash it does not yet."""
        try:
            psycopg.connect(self.superuser_dsn(), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            said = str(error)
            if "password authentication failed" in said:
                raise Trouble(
                    f"the database in {self.data} refuses our password: it was made with other secrets; "
                    "bring back the secrets.json of this home, or start afresh with ./mayday reset"
                ) from error
            return Answer.BUSY if "FATAL" in said else Answer.SILENT
        return Answer.READY

    def set_up(self, database: str = DATABASE) -> None:
        """The role, its database and the extensions; said again, it changes nothing."""
        set_up(self.superuser_dsn, password=self.password, database=database)

    def _initialise(self) -> None:
        fresh = self.data.with_name(f"{self.data.name}.new")
        password_file = self.data.with_name("superuser.password")
        remove(fresh)
        make_private(fresh)
        files.write(password_file, self.superuser_password, for_owner=True)
        try:
            result = subprocess.run(
                [
                    *(
                        str(self.servers.postgres_bin / "initdb"),
                        "--pgdata",
                        str(fresh),
                        "--username=postgres",
                    ),
                    *(
                        f"--pwfile={password_file}",
                        "--auth=scram-sha-256",
                        "--encoding=UTF8",
                        "--data-checksums",
                    ),
                    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                    *("--set=shared_preload_libraries=", "--set=unix_socket_directories="),
                    *(() if self.durable else ("--no-sync",)),
                ],
                cwd=self.data.parent,
                env=self.servers.environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                user=owner().user,
                group=owner().group,
                extra_groups=owner().extra_groups,
            )
        finally:
            password_file.unlink(missing_ok=True)
        if result.returncode:
            remove(fresh)
            cause = telling_line(result.stdout + result.stderr)
            raise Trouble(f"the database could not be made in {self.data}: {cause}")
        # Whole or not at all: an interrupted start is made again.
        fresh.rename(self.data)

    def _clear_stale_lock(self) -> None:
        """After kill -9 the lock names a pid that may be another's by now, and Postgres would not start."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text(encoding="utf-8").split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return
        if str(self.data).encode() not in command:
            lock.unlink(missing_ok=True)


def _all_may_write(folder: Path) -> bool:
    return folder.is_dir() and folder.stat().st_mode & 0o003 == 0o003
