"""The process that watches the others: says what is ill, tries the whole way, gives a sign of life."""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from broker import process
from broker.client import Connection
from broker.settings import BrokerSettings
from broker.topics import Service
from db.session import TRANSIENT, Database
from dispatch.chain import alerts, canary, checks, heartbeat
from dispatch.chain.rules import Finding, Patience

log = structlog.get_logger()

_LOOK_S = 3.0
_STALE_S = 30.0
"""After so long without a look nothing is known, and that is not well."""

_LAST_WORD_S = 1.0
_OF_WEARERS = frozenset({"signal-lost"})
"""These say nothing of the chain: its sign of life goes on."""


def _http(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return url


class AuditSettings(BrokerSettings):
    """Who watches from outside, how often the way is tried, and the disk that is looked at."""

    model_config = SettingsConfigDict(env_prefix="MAYDAY_", env_ignore_empty=True, hide_input_in_errors=True)

    heartbeat_url: Annotated[SecretStr, AfterValidator(_http)] | None = None
    canary_every_s: int = Field(default=300, ge=0)
    disk_dir: Path = Path("/")


class Health:
    """What the last look showed."""

    def __init__(self) -> None:
        self._ill: list[str] = []
        self._looked_at: float | None = None

    def saw(self, ill: list[str]) -> None:
        """Keep what is said to be ill after a look."""
        self._ill, self._looked_at = ill, time.monotonic()

    def is_well(self) -> bool:
        """Whether it was looked at lately, and nothing of the chain is ill."""
        if self._looked_at is None or time.monotonic() - self._looked_at > _STALE_S:
            return False
        return not set(self._ill) - _OF_WEARERS


def main() -> None:
    """Run until told to stop."""
    database, settings = Database(name="audit"), AuditSettings()
    with (
        process.running("audit") as life,
        Connection("audit", Service.AUDIT, settings) as connection,
    ):
        health, patience = Health(), Patience()
        helpers = _helpers(database, settings, life, health)
        while not life.stopping.is_set():
            try:
                here = _here(connection, settings)
                health.saw(look(database, patience, here, canary=bool(settings.canary_every_s), at=_now()))
            except TRANSIENT as error:
                log.warning("database is away", error=str(error).strip())
            if not all(each.is_alive() for each in helpers) and not life.stopping.is_set():
                raise RuntimeError("canary or heartbeat has ended")
            life.beat()
            life.stopping.wait(_LOOK_S)
        for each in helpers:
            each.join(_LAST_WORD_S)
    database.close()


def look(
    database: Database, patience: Patience, here: list[Finding], *, canary: bool, at: datetime
) -> list[str]:
    """Look once, and say what is ill for the second time; returns what is said to be."""
    with database.transaction() as session:
        found = [*here, *checks.find(session, canary=canary, at=at)]
        return alerts.settle(session, patience, found, at=at)


def _here(connection: Connection, settings: AuditSettings) -> list[Finding]:
    found = checks.disk(settings.disk_dir)
    if not connection.connected:
        found.append(Finding("broker", "the broker does not answer: devices cannot be heard over MQTT"))
    return found


def _helpers(
    database: Database, settings: AuditSettings, life: process.Life, health: Health
) -> list[threading.Thread]:
    """What may hang has threads of its own, so that the looks go on."""
    work = []
    if settings.canary_every_s:
        every_s = float(settings.canary_every_s)
        work.append(lambda: canary.run(database, settings, life.stopping, every_s=every_s))
    if settings.heartbeat_url is not None:
        url = settings.heartbeat_url.get_secret_value()
        work.append(lambda: heartbeat.run(url, life.stopping, is_well=health.is_well))
    helpers = [threading.Thread(target=each, daemon=True) for each in work]
    for each in helpers:
        each.start()
    return helpers


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
