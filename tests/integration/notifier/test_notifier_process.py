"""The notifier as the supervisor runs it."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from db import notifications, push_tokens, webhooks
from db.models import Message, Notification, Webhook
from db.seal import Seal
from db.session import Database
from db.states import WorkStatus
from dispatch import telling
from ops.places import CHECKOUT
from tests.builders import make_device, make_user, report
from tests.integration.notifier.providers import push_service, sms_gateway
from tests.servers import WAIT_S, Broker, eventually

CODE = "271828"


@contextmanager
def notifier(
    folder: Path, database: Database, broker: Broker, module: str = "notifier.relay", **told: str
) -> Iterator[Path]:
    """The process, ready; yields its log."""
    beat, log = folder / f"{module}.beat", folder / f"{module}.log"
    told |= {
        "MAYDAY_DATABASE_URL": database.url,
        "MAYDAY_SECRET": broker.settings.secret.get_secret_value(),
        "MAYDAY_MQTT_PORT": str(broker.ports["mqtt_service"]),
        "MAYDAY_BEAT": str(beat),
    }
    with log.open("wb") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", module],
            env=os.environ | told,
            cwd=CHECKOUT,
            stdout=file,
            stderr=file,
        )
    try:
        eventually(beat.exists, f"{module} to be ready")
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


@contextmanager
def both(folder: Path, database: Database, broker: Broker, **told: str) -> Iterator[None]:
    """Who asks the channels, and who sends, each in its own process."""
    with (
        notifier(folder, database, broker, "dispatch.relay", **told),
        notifier(folder, database, broker, **told),
    ):
        yield


def tell(
    database: Database, broker: Broker, monkeypatch: pytest.MonkeyPatch, *, app: str = "an-app"
) -> Message:
    """Tell somebody with an app and a phone, under the secret of these processes."""
    seal = Seal(broker.settings.derive("messages"))
    monkeypatch.setattr(telling, "_seal", lambda: seal)
    at = datetime.now(UTC)
    person = make_user(database)
    with database.transaction() as session:
        push_tokens.register(session, app, user_id=person.id, login=None, platform="android", at=at)
        until_at = at + timedelta(minutes=5)
        message = telling.tell(session, person, "sos.nudge", key="k", until_at=until_at, at=at, name="Aziza")
    assert message is not None
    return message


def waited_s(database: Database, message: Message, channel: str) -> float:
    """How long after the message was made this channel was asked."""
    with database.transaction() as session:
        asked = select(Notification.created_at).filter_by(subject=message.uuid, kind=channel)
        return (session.scalars(asked).one() - message.created_at).total_seconds()


def test_without_credentials_for_push_the_short_message_goes_out_at_once(
    database: Database, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sms_gateway() as gateway, both(tmp_path, database, broker, MAYDAY_SMS_URL=gateway.url):
        message = tell(database, broker, monkeypatch)
        eventually(lambda: gateway.seen, "the short message")
        assert waited_s(database, message, "sms") < telling.PATIENCE["push"].total_seconds()


def test_a_push_that_nobody_confirms_is_followed_by_a_short_message_after_ten_seconds(
    database: Database, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with push_service() as fcm, sms_gateway() as gateway:
        told = {
            "MAYDAY_SMS_URL": gateway.url,
            "MAYDAY_FCM_CREDENTIALS": str(fcm.account(tmp_path)),
            "MAYDAY_FCM_URL": fcm.url,
        }
        with both(tmp_path, database, broker, **told):
            message = tell(database, broker, monkeypatch)
            eventually(lambda: fcm.seen, "the push")
            eventually(lambda: gateway.seen, "the short message")
        assert fcm.seen[0]["data"]["message"] == str(message.uuid)
        assert waited_s(database, message, "sms") >= telling.PATIENCE["push"].total_seconds()
        assert len(fcm.seen) == len(gateway.seen) == 1


def test_a_webhook_that_hangs_keeps_no_message_waiting(
    database: Database, broker: Broker, tmp_path: Path
) -> None:
    with sms_gateway() as receiver, sms_gateway() as gateway:
        receiver.hangs.set()
        seal = Seal(broker.settings.derive("webhooks"))
        with database.transaction() as session:
            sealed = webhooks.close(seal, webhooks.new_secret())
            for _ in range(4):
                session.add(Webhook(url=receiver.url, events=[], sealed_secret=sealed))
        told = {"MAYDAY_SMS_URL": gateway.url, "MAYDAY_WEBHOOK_NETWORKS": '["127.0.0.0/8"]'}
        with both(tmp_path, database, broker, **told):
            for _ in range(4):
                report(database, make_device(database), at=datetime.now(UTC))
            eventually(lambda: len(receiver.seen) >= 4, "every thread for webhooks to hang")
            subject = ask(database, broker)
            # Before the first of them is given up, which takes ten seconds.
            eventually(lambda: is_done(database, subject), "the short message", within_s=8)
            receiver.hangs.clear()
