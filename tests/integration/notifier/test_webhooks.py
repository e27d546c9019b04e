"""Facts for other systems: signed, tried again, disabled, and never posted to a place of ours."""

import base64
import hashlib
import hmac
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from broker.settings import derive_secret
from db import outbox, webhooks, work
from db.models import AuditEntry, Delivery, Fact, Incident, Notification, Webhook
from db.seal import Seal
from db.session import Database
from db.states import Outcome, Role, WorkStatus
from dispatch import reactions
from dispatch import relay as dispatch_relay
from dispatch.sos import service
from notifier import relay
from notifier.channels.webhook import DISABLED_AFTER, PAUSES, RESTS, Webhooks
from ops.certificates import ensure_authority, ensure_certificate
from tests.builders import NOON, TASHKENT, make_device, make_user, report
from tests.integration.notifier.providers import Gateway, sms_gateway
from tests.maps import make_fence, make_region, ring

SECOND = timedelta(seconds=1)
LOOPBACK = [ip_network("127.0.0.0/8")]


@pytest.fixture
def receiver() -> Iterator[Gateway]:
    with sms_gateway() as found:
        yield found


def seal() -> Seal:
    return Seal(derive_secret("webhooks"))


def channel(**more: Any) -> Webhooks:
    return Webhooks(seal(), **{"allowed": LOOPBACK} | more)


def make_webhook(database: Database, url: str, *events: str, region: str | None = None) -> tuple[UUID, str]:
    secret = webhooks.new_secret()
    with database.transaction() as session:
        webhook = Webhook(
            url=url, events=list(events), region=region, sealed_secret=webhooks.close(seal(), secret)
        )
        session.add(webhook)
        session.flush()
        return webhook.uuid, secret


def react(database: Database, at: datetime = NOON) -> None:
    while dispatch_relay.turn(database, at=at):
        pass


def post(database: Database, channel: Webhooks, at: datetime | None = None) -> bool:
    return relay.turn(database, {"webhook": channel}, at=at or datetime.now(UTC), limit=1)


def post_all(database: Database, channel: Webhooks) -> None:
    while post(database, channel):
        pass


def requests(database: Database) -> list[Notification]:
    with database.transaction() as session:
        wanted = select(Notification).where(Notification.kind == "webhook").order_by(Notification.id)
        return list(session.scalars(wanted))


def kept(database: Database, webhook_id: UUID) -> Webhook:
    with database.transaction() as session:
        return session.scalars(select(Webhook).where(Webhook.uuid == webhook_id)).one()


def attempts(database: Database) -> list[tuple[bool, str]]:
    with database.transaction() as session:
        return [(each.ok, each.answer) for each in session.scalars(select(Delivery).order_by(Delivery.id))]


def signature(secret: str, headers: dict[str, str], body: bytes) -> str:
    """As a receiver makes it, by the book."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_fact_is_posted_signed_with_the_incident_as_it_was(database: Database, receiver: Gateway) -> None:
    _, secret = make_webhook(database, receiver.url, "sos.opened", "sos.resolved")
    wearer = make_user(database, name="Aziza Karimova")
    reported = report(database, make_device(database, wearer), type="fall", **TASHKENT)
    react(database)
    person = make_user(database, Role.DISPATCHER)
    with database.transaction() as session:
        service.resolve(session, reported.incident_id, by=person.id, outcome=Outcome.ASSISTED, at=NOON)
    react(database)
    post_all(database, channel())
    (headers, opened), (_, resolved) = receiver.seen
    assert headers["webhook-signature"] == signature(secret, headers, receiver.raw[0])
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 30
    assert (opened["type"], opened["data"]["state"]) == ("sos.opened", "active")
    assert (resolved["type"], resolved["data"]["state"]) == ("sos.resolved", "resolved")
    assert opened["timestamp"] == NOON.isoformat()
    assert opened["data"]["wearer"]["full_name"] == "Aziza Karimova"
    assert opened["data"]["place"]["lat"] == TASHKENT["lat"]
    assert attempts(database)[-1] == (True, 'HTTP 202 {"accepted": true}')


def test_a_webhook_hears_of_what_it_asked_for_and_of_its_region(database: Database) -> None:
    make_region(database, "there", [[ring()]])
    wanted = {
        make_webhook(database, "https://a.example/", "sos.opened")[0],
        make_webhook(database, "https://b.example/")[0],
        make_webhook(database, "https://c.example/", "sos.*", "geofence.*", region="there")[0],
    }
    for events, region in ((["sos.resolved"], None), (["geofence.*"], None), (["sos.*"], "default")):
        make_webhook(database, "https://d.example/", *events, region=region)
    off = make_webhook(database, "https://e.example/")[0]
    with database.transaction() as session:
        session.execute(update(Webhook).where(Webhook.uuid == off).values(active=False))
    report(database, make_device(database), **TASHKENT)
    react(database)
    assert {each.subject for each in requests(database)} == wanted


def test_a_crossing_is_told_with_its_fence(database: Database, receiver: Gateway) -> None:
    make_webhook(database, receiver.url, "geofence.*")
    device = make_device(database, make_user(database))
    fence = make_fence(database, device)
    with database.transaction() as session:
        outbox.append(
            session, "geofence.left", fence, at=NOON, device=device.uid, crossed_at=NOON.isoformat()
        )
    react(database)
    post_all(database, channel())
    [(_, body)] = receiver.seen
    assert body["type"] == "geofence.left"
    assert body["data"] == {
        "geofence": {"id": str(fence), "name": "School"},
        "device": {"uid": device.uid, "kind": "watch"},
        "crossed_at": NOON.isoformat(),
    }


def test_what_the_chain_tries_on_itself_is_nobodys_news(database: Database) -> None:
    make_webhook(database, "https://a.example/")
    reported = report(database, make_device(database))
    with database.transaction() as session:
        session.get_one(Incident, reported.incident_id).canary = True
    react(database)
    assert requests(database) == []


def test_a_receiver_that_fails_is_tried_for_a_day_with_growing_pauses(
    database: Database, receiver: Gateway
) -> None:
    make_webhook(database, receiver.url, "sos.opened")
    report(database, make_device(database))
    react(database)
    receiver.answers = [(500, "down")] * 20
    at = start = datetime.now(UTC)
    while post(database, channel(), at):
        [request] = requests(database)
        if request.status != WorkStatus.WAITING:
            break
        assert not post(database, channel(), request.due_at - SECOND)
        at = request.due_at
    assert len(receiver.seen) == len(PAUSES) + 1
    assert timedelta(hours=23) < at - start <= timedelta(hours=24)
    assert list(PAUSES) == sorted(PAUSES)
    assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1
    assert len(set(receiver.raw)) == 1
    [request] = requests(database)
    assert request.status == WorkStatus.FAILED
    assert request.payload["type"] == "sos.opened"
    assert attempts(database)[-1] == (False, "HTTP 500 down")


def test_a_redirect_is_not_followed(database: Database, receiver: Gateway) -> None:
    make_webhook(database, receiver.url, "sos.*")
    report(database, make_device(database))
    react(database)
    receiver.answers = [(307, "")]
    post(database, channel())
    assert len(receiver.seen) == 1
    assert requests(database)[0].status == WorkStatus.WAITING


def test_who_fails_for_days_is_switched_off_with_a_line_in_the_audit_log(
    database: Database, receiver: Gateway
) -> None:
    webhook, _ = make_webhook(database, receiver.url)
    with database.transaction() as session:
        long_ago = datetime.now(UTC) - DISABLED_AFTER
        session.execute(update(Webhook).values(failing_since=long_ago))
    report(database, make_device(database))
    react(database)
    receiver.answers = [(500, "down")]
    post(database, channel())
    found = kept(database, webhook)
    assert (found.active, found.disabled_why) == (False, "HTTP 500 down")
    with database.transaction() as session:
        line = session.scalars(select(AuditEntry)).one()
        assert (line.action, line.subject_id, line.actor_id) == ("webhook.disabled", str(webhook), None)
    post(database, channel(), datetime.now(UTC) + 10 * SECOND)
    assert len(receiver.seen) == 1
    assert attempts(database)[-1] == (False, "the webhook is switched off")


def test_who_says_that_it_is_gone_is_switched_off_at_once(database: Database, receiver: Gateway) -> None:
    webhook, _ = make_webhook(database, receiver.url)
    report(database, make_device(database))
    react(database)
    receiver.answers = [(410, "")]
    post(database, channel())
    assert not kept(database, webhook).active
    assert requests(database)[0].status == WorkStatus.FAILED


def test_who_takes_something_again_has_a_clean_record(database: Database, receiver: Gateway) -> None:
    webhook, _ = make_webhook(database, receiver.url)
    report(database, make_device(database))
    react(database)
    receiver.answers = [(500, "")]
    post(database, channel())
    assert kept(database, webhook).failing_since is not None
    post(database, channel(), datetime.now(UTC) + PAUSES[0])
    assert kept(database, webhook).failing_since is None


def test_for_a_day_the_secret_before_signs_as_well(database: Database, receiver: Gateway) -> None:
    webhook, old = make_webhook(database, receiver.url)
    new, now = webhooks.new_secret(), datetime.now(UTC)
    with database.transaction() as session:
        held = session.scalars(select(Webhook).where(Webhook.uuid == webhook)).one()
        held.sealed_secret = webhooks.rotate(seal(), held.sealed_secret, new, at=now)
    report(database, make_device(database))
    react(database)
    post(database, channel())
    [(headers, _)] = receiver.seen
    assert headers["webhook-signature"].split() == [
        signature(each, headers, receiver.raw[0]) for each in (new, old)
    ]
    held = kept(database, webhook)
    assert len(webhooks.signing(seal(), held.sealed_secret, at=now + timedelta(days=1))) == 1


@pytest.mark.parametrize("resolved", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
def test_a_name_that_leads_to_us_by_now_is_not_connected_to(
    database: Database, receiver: Gateway, monkeypatch: pytest.MonkeyPatch, resolved: str
) -> None:
    port = receiver.url.rstrip("/").rpartition(":")[2]
    make_webhook(database, f"https://rebound.example:{port}/")
    report(database, make_device(database))
    react(database)
    real = socket.getaddrinfo

    def rebound(host: str, *more: Any, **named: Any) -> Any:
        return real(resolved if host == "rebound.example" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    post(database, channel(allowed=()))
    assert receiver.seen == []
    assert "not a public address" in attempts(database)[0][1]
    assert kept(database, requests(database)[0].subject).failing_since is not None


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for hook.example, by an authority that is trusted here."""
    files = tmp_path / "server.crt", tmp_path / "server.key"
    ensure_certificate(
        ensure_authority(tmp_path / "tls", at=datetime.now(UTC)),
        certificate_file=files[0],
        key_file=files[1],
        names=["hook.example"],
        at=datetime.now(UTC),
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls/ca.crt"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


@pytest.mark.parametrize(("name", "taken"), [("hook.example", True), ("other.example", False)])
def test_a_receiver_shows_a_certificate_for_its_own_name(
    database: Database, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, name: str, taken: bool
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *more, **named: real("127.0.0.1" if host == name else host, *more, **named),
    )
    with sms_gateway(tls) as receiver:
        make_webhook(database, receiver.url.replace("127.0.0.1", name))
        report(database, make_device(database))
        react(database)
        post(database, channel())
        assert len(receiver.seen) == taken
    assert [ok for ok, _ in attempts(database)] == [taken]


def test_a_certificate_of_nobody_is_not_trusted(
    database: Database, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with sms_gateway(tls) as receiver:
        make_webhook(database, receiver.url)
        report(database, make_device(database))
        react(database)
        post(database, channel())
        assert receiver.seen == []
    assert "CERTIFICATE_VERIFY_FAILED" in attempts(database)[0][1]


def test_who_answers_a_byte_at_a_time_is_not_waited_for(database: Database) -> None:
    with socket.create_server(("127.0.0.1", 0)) as dripping:
        make_webhook(database, f"http://127.0.0.1:{dripping.getsockname()[1]}/")
        report(database, make_device(database))
        react(database)
        post(database, channel(timeout_s=30, whole_s=0.3))
    assert requests(database)[0].status == WorkStatus.WAITING
    assert requests(database)[0].attempts == 1


def test_who_does_not_answer_is_left_alone_for_a_while_and_keeps_nobody_else_waiting(
    database: Database, receiver: Gateway
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deaf, _ = make_webhook(database, f"http://127.0.0.1:{silent.getsockname()[1]}/", "sos.opened")
        heard, _ = make_webhook(database, receiver.url, "sos.opened")
        for _ in range(3):
            report(database, make_device(database))
        react(database)
        impatient, at = channel(timeout_s=0.2), datetime.now(UTC)
        for _ in range(4):
            assert post(database, impatient, at)
        assert len(receiver.seen) == 3
        assert not post(database, impatient, at + PAUSES[0] - SECOND)
        first, *others = (each for each in requests(database) if each.subject == deaf)
        assert [each.attempts for each in (first, *others)] == [1, 0, 0]
        assert all(each.due_at >= at + RESTS for each in others)
        # It answers again, and hears of everything.
        with database.transaction() as session:
            session.execute(update(Webhook).where(Webhook.uuid == deaf).values(url=receiver.url))
        later = datetime.now(UTC) + RESTS
        while post(database, impatient, later):
            pass
    assert {each.status for each in requests(database)} == {WorkStatus.DONE}
    assert len(receiver.seen) == 6
    assert kept(database, heard).failing_since is None


def test_a_fact_told_twice_bears_one_id(database: Database) -> None:
    make_webhook(database, "https://a.example/")
    report(database, make_device(database))
    with database.transaction() as session:
        [fact] = work.claim(session, Fact, at=NOON)
    for _ in range(2):
        with database.transaction() as session:
            reactions.to_facts(session, [fact], at=NOON)
    first, second = requests(database)
    assert first.payload["id"] == second.payload["id"]
    assert first.payload["id"].startswith("msg_")
