"""The telemetry lane as a process of its own, and devices that report to it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.session import Database
from ops.places import CHECKOUT
from tests.servers import WAIT_S, Broker, eventually

REAL = "ingest"
DIES_BEFORE_ACKNOWLEDGING = "tests.integration.ingest.dying_lane"


class Lane:
    """`python -m ingest telemetry`, or a double of it that dies at a certain point.

    Its session begins empty: what was sent in earlier tests no longer waits for it.
    """

    def __init__(self, database: Database, broker: Broker, folder: Path) -> None:
        broker.forget_lanes()
        self._beat = folder / "telemetry.beat"
        self._log = folder / "telemetry.log"
        settings = broker.settings
        self._environment = os.environ | {
            "MAYDAY_DATABASE_URL": database.url,
            "MAYDAY_SECRET": settings.secret.get_secret_value(),
            "MAYDAY_MQTT_HOST": "127.0.0.1",
            "MAYDAY_MQTT_PORT": str(settings.mqtt_port),
            "MAYDAY_BEAT": str(self._beat),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, module: str = REAL) -> None:
        self._beat.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, "telemetry"],
                cwd=CHECKOUT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        eventually(lambda: self._beat.exists() or not self.runs, "the lane to be ready")

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """As the supervisor does."""
        if self.runs:
            self.signal(signal.SIGTERM)
            self.wait()

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(WAIT_S)


@contextmanager
def stopped_at_the_end(lane: Lane) -> Iterator[Lane]:
    try:
        yield lane
    finally:
        if lane.runs:
            lane.kill()
