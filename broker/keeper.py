"""The process that keeps the broker's users equal to the database's: a revoked device is cut off at once."""

import os
import signal
from pathlib import Path

import structlog
from sqlalchemy import func, or_, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from broker import process
from broker.accounts import Account, are_written, write_files
from broker.settings import KeeperSettings
from db.bell import Bell
from db.models.devices import MqttCredential
from db.session import Database
from db.states import CredentialKind

log = structlog.get_logger()

CHANNEL = "mqtt_credentials"

_LOOK_S = 1.0
_AGAIN_S = 0.25
# Many devices registered in a row cost one reload of the broker each this long, not one each.
_PAUSE_AFTER_CHANGE_S = 0.2
# Grows or shrinks with every insert, update, delete and expiry; costs no more than a glance at the table.
_FINGERPRINT = text(
    "SELECT count(*) * 2 - count(*) FILTER (WHERE expires_at <= now()),"
    " coalesce(sum(xmin::text::bigint), 0) FROM mqtt_credentials"
)


class Keeper:
    """The files, and what of them the broker has yet to be told."""

    def __init__(self, settings: KeeperSettings) -> None:
        self._settings = settings
        self._seen: tuple[int, int] | None = None
        # Whoever stopped the last keeper may have done so between the writing and the telling.
        self._untold = settings.broker_pid_file is not None

    def look(self, session: Session) -> bool:
        """Bring the files up to date; True when something was written."""
        count, total = session.execute(_FINGERPRINT).one()
        if self._seen == (count, total) and are_written(self._settings.broker_dir):
            return False
        changed = write_files(
            self._settings.broker_dir, read_accounts(session), self._settings, bench=self._settings.bench
        )
        self._seen = (count, total)
        if changed:
            log.info("the broker's users have changed")
            self._untold = self._settings.broker_pid_file is not None
        return changed

    def tell(self) -> bool:
        """Have the broker read the files, unless it knows them; False while it is not there to be told."""
        if self._untold and self._settings.broker_pid_file is not None:
            self._untold = not reload_broker(self._settings.broker_pid_file)
        return not self._untold


def read_accounts(session: Session) -> list[Account]:
    """Everybody who may connect."""
    rows = session.execute(
        select(
            MqttCredential.username,
            MqttCredential.password_hash,
            MqttCredential.kind,
            MqttCredential.alert_regions,
        ).where(
            MqttCredential.revoked_at.is_(None),
            or_(MqttCredential.expires_at.is_(None), MqttCredential.expires_at > func.now()),
        )
    )
    return [
        Account(row.username, row.password_hash, row.kind is CredentialKind.DISPATCHER, row.alert_regions)
        for row in rows
    ]


def reload_broker(pid_file: Path) -> bool:
    """Send SIGHUP to the broker; False when none runs that would take it as it is meant."""
    try:
        pid = int(pid_file.read_text())
        if not _is_listening_broker(pid):
            return False
        os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError) as error:
        if not isinstance(error, FileNotFoundError):
            log.warning("the broker cannot be told", trouble=str(error))
        return False
    return True


def _is_listening_broker(pid: int) -> bool:
    """Whether this is the broker, far enough in its start not to die of the signal.

    The pid in the file may be another process's by now, and a SIGHUP that nobody catches is a kill.
    """
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return False
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    catches_hup = int(fields["SigCgt"], 16) & (1 << (signal.SIGHUP - 1))
    return "mosquitto" in fields["Name"] and bool(catches_hup)


def run(keeper: Keeper, database: Database, bell: Bell, life: process.Life) -> None:
    """Look at every ring and every second; without a database the broker goes on with what it has."""
    in_step = False
    while not life.stopping.is_set():
        changed = False
        try:
            with database.transaction() as session:
                changed = keeper.look(session)
            in_step = True
        except SQLAlchemyError as error:
            log.warning("no database", trouble=str(error).splitlines()[0])
        except OSError as error:
            log.error("the broker's files cannot be written", trouble=str(error))
        told = keeper.tell()
        if in_step:
            life.beat()
        if changed:
            life.stopping.wait(_PAUSE_AFTER_CHANGE_S)
        else:
            bell.wait(_LOOK_S if told else _AGAIN_S)


def main() -> None:
    """Run until told to stop."""
    settings = KeeperSettings()
    database = Database(name="keeper")
    with process.running("keeper") as life, Bell(database.url, CHANNEL) as bell:
        run(Keeper(settings), database, bell, life)


if __name__ == "__main__":
    main()
