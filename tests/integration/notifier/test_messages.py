"""Messages to people: sent by SMS and mail, tried again, given up, forgotten."""

import base64
import ssl
import stat
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import select
from structlog.testing import capture_logs

from broker.client import Connection
from broker.topics import Service
from db import notifications, work
from db.models import Delivery, Notification
from db.seal import Seal
from db.session import Database
from db.states import WorkStatus
from notifier import relay
from notifier.channels import Channel, mail, sms, topic
from notifier.channels.message import Message, Messages
from notifier.settings import NotifierSettings
from ops.certificates import ensure_authority, ensure_certificate
from tests.builders import make_device, report
from tests.integration.notifier.providers import Gateway, MailServer, mail_server, sms_gateway
from tests.servers import WAIT_S, Broker

SECRET = "a secret of this test alone"
SOON = timedelta(minutes=5)
CODE = "314159"


def settings(**more: Any) -> NotifierSettings:
    return NotifierSettings(secret=SecretStr(SECRET), **more)


SEAL = Seal(settings().derive("messages"))


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with sms_gateway() as found:
        yield found


@pytest.fixture
def post_office() -> Iterator[MailServer]:
    with mail_server() as found:
        yield found


def by_sms(gateway: Gateway, **more: Any) -> dict[str, Channel]:
    return {"sms": Messages(SEAL, sms.Gateway(gateway.url, "t0ken", **more))}


def by_mail(post_office: MailServer) -> dict[str, Channel]:
    return {"mail": Messages(SEAL, mail.MailServer(post_office.url, "Mayday <mayday@example.org>"))}


def ask(
    database: Database, channel: str, *, to: str = "+998901234567", language: str = "en", **more: Any
) -> uuid.UUID:
    """A request to tell somebody a code."""
    subject, now = uuid.uuid4(), datetime.now(UTC)
    said = {
        "to": to,
        "text": "code.login",
        "language": language,
        "values": {"code": CODE, "minutes": "5"},
        "until": (now + SOON).isoformat(),
    }
    with database.transaction() as session:
        notifications.request(session, channel, subject, at=now, sealed=SEAL.close(said | more))
    return subject


def turn(database: Database, channels: dict[str, Channel], later: timedelta = timedelta()) -> bool:
    return relay.turn(database, channels, at=datetime.now(UTC) + later)


def request_of(database: Database, subject: uuid.UUID) -> Notification:
    with database.transaction() as session:
        return session.scalars(select(Notification).where(Notification.subject == subject)).one()


def attempts(database: Database) -> list[tuple[bool, str]]:
    with database.transaction() as session:
        return [(each.ok, each.answer) for each in session.scalars(select(Delivery).order_by(Delivery.id))]


def test_a_message_is_posted_to_the_gateway_and_then_forgotten(database: Database, gateway: Gateway) -> None:
    subject = ask(database, "sms", language="ru")
    turn(database, by_sms(gateway))
    [(headers, body)] = gateway.seen
    assert set(body) == {"to", "text"}
    assert body["to"] == "+998901234567"
    assert CODE in body["text"]
    assert "код" in body["text"]
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == str(subject)
    request = request_of(database, subject)
    assert (request.status, request.payload) == (WorkStatus.DONE, {})
    assert attempts(database) == [(True, 'HTTP 202 {"accepted": true}')]


def test_a_message_that_holds_no_code_is_sent_as_well(database: Database, gateway: Gateway) -> None:
    subject = ask(database, "sms", text="phone.changed", values={"ending": "67"})
    turn(database, by_sms(gateway))
    [(_, body)] = gateway.seen
    assert "67" in body["text"]
    assert request_of(database, subject).status == WorkStatus.DONE


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_gateway_that_cannot_now_is_asked_again(database: Database, gateway: Gateway, status: int) -> None:
    gateway.answers = [(status, "later")]
    subject = ask(database, "sms")
    turn(database, by_sms(gateway))
    assert request_of(database, subject).status == WorkStatus.WAITING
    turn(database, by_sms(gateway), work.pause(1))
    assert request_of(database, subject).status == WorkStatus.DONE
    assert [ok for ok, _ in attempts(database)] == [False, True]
    assert len({headers["Idempotency-Key"] for headers, _ in gateway.seen}) == 1


def test_a_gateway_that_hangs_is_asked_again(database: Database, gateway: Gateway) -> None:
    gateway.hangs.set()
    subject = ask(database, "sms")
    turn(database, by_sms(gateway, timeout_s=0.3))
    assert request_of(database, subject).status == WorkStatus.WAITING
    gateway.hangs.clear()
    turn(database, by_sms(gateway), work.pause(1))
    assert request_of(database, subject).status == WorkStatus.DONE


def test_a_gateway_that_is_not_there_is_asked_again(database: Database) -> None:
    subject = ask(database, "sms")
    turn(database, by_sms(Gateway(url="http://127.0.0.1:1/")))
    request = request_of(database, subject)
    assert (request.status, request.payload != {}) == (WorkStatus.WAITING, True)


@pytest.mark.parametrize("status", [302, 400, 401, 404, 422])
def test_what_the_gateway_refuses_is_given_up_with_its_answer(
    database: Database, gateway: Gateway, status: int
) -> None:
    gateway.answers = [(status, f"no: cannot send {CODE}")]
    subject = ask(database, "sms")
    with capture_logs() as logs:
        turn(database, by_sms(gateway))
    request = request_of(database, subject)
    assert (request.status, request.payload) == (WorkStatus.FAILED, {})
    assert attempts(database) == [(False, f"HTTP {status} no: cannot send ***")]
    assert not turn(database, by_sms(gateway), timedelta(hours=1))
    assert len(gateway.seen) == 1
    assert CODE not in str(logs)


def test_what_came_too_late_is_not_sent(database: Database, gateway: Gateway) -> None:
    subject = ask(database, "sms", until=datetime.now(UTC).isoformat())
    turn(database, by_sms(gateway))
    assert request_of(database, subject).status == WorkStatus.FAILED
    assert gateway.seen == []


def test_what_was_sealed_with_another_secret_is_given_up(database: Database, gateway: Gateway) -> None:
    subject = ask(database, "sms")
    turn(database, {"sms": Messages(Seal("00" * 32), sms.Gateway(gateway.url, None))})
    assert request_of(database, subject).status == WorkStatus.FAILED
    assert gateway.seen == []


def test_mail_is_handed_to_the_server(database: Database, post_office: MailServer) -> None:
    subject = ask(database, "mail", to="ann@example.org", language="fr")
    turn(database, by_mail(post_office))
    [letter] = post_office.seen
    assert (letter["To"], letter["From"]) == ("ann@example.org", "Mayday <mayday@example.org>")
    assert letter["Subject"] == "Votre code Mayday"
    assert CODE in letter.get_content()
    assert base64.b64decode(post_office.logins[0]) == b"\0post\0s cret"
    assert request_of(database, subject).status == WorkStatus.DONE


@pytest.mark.parametrize(
    ("command", "answer", "status"),
    [
        ("RCPT", "550 nobody here", WorkStatus.FAILED),
        ("RCPT", "450 greylisted", WorkStatus.WAITING),
        (".", "554 spam", WorkStatus.FAILED),
        (".", "451 try again", WorkStatus.WAITING),
        ("AUTH", "535 wrong password", WorkStatus.WAITING),
        ("QUIT", "421 gone", WorkStatus.DONE),
    ],
)
def test_what_the_mail_server_says_decides(
    database: Database, post_office: MailServer, command: str, answer: str, status: WorkStatus
) -> None:
    post_office.refusals[command] = answer
    subject = ask(database, "mail", to="ann@example.org")
    turn(database, by_mail(post_office))
    assert request_of(database, subject).status == status
    if status is WorkStatus.WAITING:
        post_office.refusals.clear()
        turn(database, by_mail(post_office), work.pause(1))
        assert request_of(database, subject).status == WorkStatus.DONE
    elif status is WorkStatus.FAILED:
        assert attempts(database) == [(False, f"SMTP {answer}")]


ELSEWHERE = "127.0.0.2"
"""An address that is not taken for this machine."""


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for elsewhere, by an authority that is trusted here."""
    files = tmp_path / "server.crt", tmp_path / "server.key"
    ensure_certificate(
        ensure_authority(tmp_path / "tls", at=datetime.now(UTC)),
        certificate_file=files[0],
        key_file=files[1],
        names=[ELSEWHERE],
        at=datetime.now(UTC),
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls/ca.crt"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_goes_to_another_machine_over_tls(
    database: Database, tls: ssl.SSLContext, scheme: str
) -> None:
    with mail_server(ELSEWHERE, tls, scheme) as post_office:
        subject = ask(database, "mail", to="ann@example.org")
        turn(database, by_mail(post_office))
    assert len(post_office.logins) == len(post_office.seen) == 1
    assert post_office.secured == (scheme == "smtp")
    assert request_of(database, subject).status == WorkStatus.DONE


def test_a_password_does_not_go_there_without_tls(database: Database) -> None:
    with mail_server(ELSEWHERE) as post_office:
        subject = ask(database, "mail", to="ann@example.org")
        turn(database, by_mail(post_office))
    assert not post_office.logins
    assert not post_office.seen
    assert request_of(database, subject).status == WorkStatus.WAITING


def test_a_server_with_a_certificate_of_nobody_is_told_nothing(
    database: Database, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with mail_server(ELSEWHERE, tls) as post_office:
        subject = ask(database, "mail", to="ann@example.org")
        turn(database, by_mail(post_office))
    assert not post_office.logins
    assert not post_office.seen
    assert request_of(database, subject).status == WorkStatus.WAITING


def test_without_a_provider_a_message_lies_in_a_postbox_for_its_owner_alone(
    database: Database, tmp_path: Path
) -> None:
    box = tmp_path / "postbox"
    subjects = [ask(database, "sms"), ask(database, "mail", to="ann@example.org")]
    with capture_logs() as logs:
        turn(database, relay.message_channels(settings(postbox_dir=box)))
    letters = sorted(box.iterdir())
    assert len(letters) == 2
    assert all(CODE in letter.read_text() for letter in letters)
    assert {stat.S_IMODE(path.stat().st_mode) for path in letters} == {0o600}
    assert stat.S_IMODE(box.stat().st_mode) == 0o700
    assert [each["event"] for each in logs] == ["a message lies in the postbox"] * 2
    assert CODE not in str(logs)
    assert CODE not in str(attempts(database))
    assert {request_of(database, each).status for each in subjects} == {WorkStatus.DONE}


def test_the_postbox_keeps_the_newest_hundred(database: Database, tmp_path: Path) -> None:
    (tmp_path / "20200101-old.txt").write_text("old")
    for number in range(100):
        (tmp_path / f"2021-{number:03d}.txt").write_text("newer")
    ask(database, "sms")
    turn(database, relay.message_channels(settings(postbox_dir=tmp_path)))
    assert len(list(tmp_path.iterdir())) == 100
    assert not (tmp_path / "20200101-old.txt").exists()


def test_without_provider_and_postbox_it_is_given_up(database: Database) -> None:
    subject = ask(database, "sms")
    turn(database, relay.message_channels(settings()))
    assert request_of(database, subject).status == WorkStatus.FAILED
    assert attempts(database) == [(False, "no way of sending sms is configured")]


def test_what_is_for_nobody_is_done_and_forgotten(database: Database) -> None:
    subject = ask(database, "nobody")
    turn(database, relay.message_channels(settings()))
    request = request_of(database, subject)
    assert (request.status, request.payload) == (WorkStatus.DONE, {})


def test_alerts_and_messages_are_claimed_by_those_who_tell_them(
    database: Database, gateway: Gateway, broker: Broker
) -> None:
    ask(database, "sms")
    report(database, make_device(database))
    with Connection("notifier", Service.NOTIFIER, broker.settings) as connection:
        connection.wait_connected(WAIT_S)
        while turn(database, topic.channels(connection)):
            pass
    assert gateway.seen == []
    assert {answer for _, answer in attempts(database)} == {"PUBACK"}
    turn(database, by_sms(gateway))
    assert len(gateway.seen) == 1


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_notifier_that_was_slower_than_its_lease_leaves_it_to_the_other(
    database: Database, gateway: Gateway, status: int
) -> None:
    subject = ask(database, "sms")

    class Slow(sms.Gateway):
        def send(self, message: Message) -> str:
            turn(database, by_sms(gateway), work.LEASE * 2)
            gateway.answers = [(status, "")]
            return super().send(message)

    turn(database, {"sms": Messages(SEAL, Slow(gateway.url, None))})
    assert request_of(database, subject).status == WorkStatus.DONE
    assert [ok for ok, _ in attempts(database)] == [True]


def test_nothing_is_sent_inside_a_transaction(database: Database, gateway: Gateway) -> None:
    class Watching:
        def send(self, _: object) -> str:
            assert database.engine.pool.status().endswith("Current Checked out connections: 0")
            return "seen"

    ask(database, "sms")
    turn(database, {"sms": Messages(SEAL, Watching())})
    assert attempts(database) == [(True, "seen")]


def test_settings_left_empty_are_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMS_URL", "SMS_TOKEN", "SMTP_URL", "POSTBOX_DIR"):
        monkeypatch.setenv(f"MAYDAY_{name}", "")
    told = settings()
    assert (told.sms_url, told.sms_token, told.smtp_url, told.postbox_dir) == (None, None, None, None)


def test_a_mail_server_is_named_as_an_address() -> None:
    with pytest.raises(ValidationError, match="smtp://") as refused:
        settings(smtp_url="post:s3cret@mail.example.org:25")
    assert "s3cret" not in str(refused.value)
