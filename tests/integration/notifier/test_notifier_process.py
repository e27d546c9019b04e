"""The notifier as the supervisor runs it."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from db import notifications
from db.models import Notification
from db.seal import Seal
from db.session import Database
from db.states import WorkStatus
from ops.places import CHECKOUT
from tests.builders import make_device, report
from tests.integration.notifier.providers import sms_gateway
from tests.servers import WAIT_S, Broker, eventually

CODE = "271828"


@contextmanager
def notifier(folder: Path, database: Database, broker: Broker, **told: str) -> Iterator[Path]:
    """The process, ready; yields its log."""
    beat, log = folder / "beat", folder / "log"
    told |= {
        "MAYDAY_DATABASE_URL": database.url,
        "MAYDAY_SECRET": broker.settings.secret.get_secret_value(),
        "MAYDAY_MQTT_PORT": str(broker.ports["mqtt_service"]),
        "MAYDAY_BEAT": str(beat),
    }
    with log.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "notifier.relay"],
            env=os.environ | told,
            cwd=CHECKOUT,
            stdout=file,
            stderr=file,
        )
    try:
        eventually(beat.exists, "the notifier to be ready")
        yield log
    finally:
        child.terminate()
        assert child.wait(WAIT_S) == 0, log.read_text()


def ask(database: Database, broker: Broker) -> uuid.UUID:
    subject, at = uuid.uuid4(), datetime.now(UTC)
    said = {
        "to": "+998901234567",
        "text": "code.login",
        "language": "en",
        "values": {"code": CODE, "minutes": "5"},
        "until": (at + timedelta(minutes=5)).isoformat(),
    }
    seal = Seal(broker.settings.derive("messages"))
    with database.transaction() as session:
        notifications.request(session, "sms", subject, at=at, sealed=seal.close(said))
    return subject


def is_done(database: Database, subject: uuid.UUID) -> bool:
    """Whether all that was to be told about it is."""
    with database.transaction() as session:
        asked = select(Notification.status).where(Notification.subject == subject)
        return set(session.scalars(asked)) == {WorkStatus.DONE}


def test_a_message_is_sent_and_its_code_stands_in_no_log(
    database: Database, broker: Broker, tmp_path: Path
) -> None:
    box = tmp_path / "postbox"
    with notifier(tmp_path, database, broker, MAYDAY_POSTBOX_DIR=str(box)) as log:
        subject = ask(database, broker)
        eventually(lambda: is_done(database, subject), "the message to be sent")
    assert CODE in next(box.iterdir()).read_text()
    assert CODE not in log.read_text()


def test_a_provider_that_hangs_keeps_no_alert_waiting(
    database: Database, broker: Broker, tmp_path: Path
) -> None:
    with sms_gateway() as gateway:
        gateway.hangs.set()
        with notifier(tmp_path, database, broker, MAYDAY_SMS_URL=gateway.url):
            messages = [ask(database, broker) for _ in range(6)]
            eventually(lambda: gateway.seen, "the gateway to be asked")
            incident = report(database, make_device(database), at=datetime.now(UTC)).incident_id
            # Before the first message is given up, which takes ten seconds.
            eventually(lambda: is_done(database, incident), "the alert to be published", within_s=8)
            gateway.hangs.clear()
            for message in messages:
                eventually(lambda: is_done(database, message), "the messages to be sent")  # noqa: B023
