"""Devices from a table into a running stack."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from pydantic import SecretStr

from api.devices import bulk, claims
from api.refusals import WrongField
from broker.settings import BrokerSettings
from db.session import Database
from db.settings import DatabaseSettings
from dispatch.errors import DomainError, WrongFields
from ops.progress import Progress
from ops.trouble import Trouble
from ops.users import OPERATOR


def import_table(table: Path, output: Path, *, database_url: str, secret: str) -> int:
    """Create all devices of a table and write their logins to a new file of mode 0600, or do neither."""
    key = BrokerSettings(secret=SecretStr(secret)).derive(claims.KEY)
    database = Database(DatabaseSettings(database_url=SecretStr(database_url)), name="import")
    try:
        lines = bulk.read_table(table.read_bytes())
        with _fresh(output) as file, Progress(f"importing {len(lines)} devices") as progress:
            try:
                with database.transaction() as session:
                    done = bulk.provision(
                        session,
                        lines,
                        actor=OPERATOR,
                        key=key,
                        at=datetime.now(UTC),
                        progress=lambda count: progress.say(_bar(count, len(lines))),
                    )
                    file.writelines(bulk.as_table(done))
                    file.flush()
                    # Before the commit: a device whose login is nowhere could never get in.
                    os.fsync(file.fileno())
            except BaseException:
                output.unlink()
                raise
    except DomainError as error:
        raise Trouble("\n".join([f"{table}: nothing was created", *_said(error)])) from None
    finally:
        database.close()
    return len(done)


def _fresh(output: Path) -> TextIO:
    try:
        return os.fdopen(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except FileExistsError:
        raise Trouble(f"{output} exists already; name another file with --output") from None


def _said(error: DomainError) -> list[str]:
    match error:
        case WrongFields():
            return [f"  {each['field']}: {each['message']}" for each in error.wrong]
        case WrongField():
            return [f"  {error.field}: {error.message}"]
    return [f"  {error.message}"]


def _bar(count: int, total: int) -> str:
    filled = 30 * count // total
    return f"[{'#' * filled}{'.' * (30 - filled)}] {count}"
