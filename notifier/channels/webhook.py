"""Facts for other systems, as Standard Webhooks has it: signed, tried again for a day, in order of need."""

import base64
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import orjson
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from broker import outside
from broker.outside import Inside, Network, Target, Unknown
from db import audit, notifications, webhooks
from db.audit import Actor
from db.models import Notification, Webhook
from db.seal import Broken, Seal
from db.session import Database
from notifier.channels import Later, Undeliverable

PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=8),
)
"""After each attempt; together a day."""

RESTS = timedelta(seconds=30)
"""For so long nothing else is posted to who did not answer."""

DISABLED_AFTER = timedelta(days=3)
"""Nothing was taken for so long: nobody is there."""

_TIMEOUT_S = 10.0
_WHOLE_S = 15.0
_GONE = 410
_LONGEST_ANSWER = 300


class Refused(ConnectionError):
    """It was not taken; `gone` is the receiver's word that it never will be."""

    def __init__(self, said: str, *, gone: bool = False) -> None:
        super().__init__(said)
        self.gone = gone


class Silent(Refused):
    """Nobody answered: whatever else is posted there would wait as long, and keep others waiting."""


class Webhooks:
    """Posts facts to whoever asked for them; any 2xx is taken, redirects are not followed."""

    takes_several = False

    def __init__(
        self,
        seal: Seal,
        *,
        allowed: Collection[Network] = (),
        timeout_s: float = _TIMEOUT_S,
        whole_s: float = _WHOLE_S,
    ) -> None:
        self._seal = seal
        self._allowed = allowed
        self._timeout_s = timeout_s
        self._whole_s = whole_s

    def deliver(self, database: Database, requests: Sequence[Notification]) -> None:
        """Post each as it was written down, under the id it has for good."""
        for request in requests:
            webhook = _find(database, request)
            try:
                answer = self._post(webhook, request, at=datetime.now(UTC))
            except Refused as refusal:
                _note_failure(database, webhook, refusal, at=datetime.now(UTC))
                if refusal.gone or request.attempts > len(PAUSES):
                    raise Undeliverable(str(refusal)) from None
                raise Later(str(refusal), after=PAUSES[request.attempts - 1]) from None
            with database.transaction() as session:
                at = datetime.now(UTC)
                notifications.close(session, [request], answer=answer, at=at)
                _note_success(session, webhook)

    def _post(self, webhook: Webhook, request: Notification, *, at: datetime) -> str:
        said = request.payload
        body = orjson.dumps({name: said[name] for name in ("type", "timestamp", "data")})
        sent_at = str(int(at.timestamp()))
        try:
            keys = webhooks.signing(self._seal, webhook.sealed_secret, at=at)
            target = outside.look_up(webhook.url, allowed=self._allowed)
        except Broken:
            raise Undeliverable("its secret cannot be read: sealed with another secret") from None
        except Inside as error:
            raise Refused(f"the address {error}") from None
        except Unknown as error:
            raise Silent(str(error)) from None
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Mayday",
            "webhook-id": said["id"],
            "webhook-timestamp": sent_at,
            "webhook-signature": " ".join(sign(key, said["id"], sent_at, body) for key in keys),
        }
        status, answer = _exchange(target, body, headers, timeout_s=self._timeout_s, whole_s=self._whole_s)
        words = f"HTTP {status} {answer}".rstrip()[:_LONGEST_ANSWER]
        if 200 <= status < 300:
            return words
        raise Refused(words, gone=status == _GONE)


def sign(key: bytes, message_id: str, sent_at: str, body: bytes) -> str:
    """The signature by which a receiver knows that this came from us, just now and unchanged."""
    digest = hmac.digest(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


class _Connection(http.client.HTTPConnection):
    """Connects to the addresses that were checked, whatever the name means by now."""

    def __init__(self, target: Target, timeout_s: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout_s)
        self.default_port = 443 if target.secure else 80
        self._target = target

    def connect(self) -> None:
        sock = self._reach()
        if self._target.secure:
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=self._target.host)
        self.sock = sock

    def _reach(self) -> socket.socket:
        failed: OSError = OSError("it has no address")
        for address in self._target.addresses:
            try:
                return socket.create_connection((address, self._target.port), self.timeout)
            except OSError as error:
                failed = error
        raise failed

    def cut(self) -> None:
        """End it from outside: who answers a byte at a time is not waited for."""
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def _exchange(
    target: Target, body: bytes, headers: dict[str, str], *, timeout_s: float, whole_s: float
) -> tuple[int, str]:
    connection = _Connection(target, timeout_s)
    patience = threading.Timer(whole_s, connection.cut)
    patience.daemon = True
    patience.start()
    try:
        connection.request("POST", target.path, body, headers)
        answer = connection.getresponse()
        text = answer.read(_LONGEST_ANSWER).decode(errors="replace").replace("\0", "").strip()
        return answer.status, text
    except (OSError, http.client.HTTPException) as error:
        raise Silent(f"{type(error).__name__}: {error}"[:_LONGEST_ANSWER]) from None
    finally:
        patience.cancel()
        connection.close()


def _find(database: Database, request: Notification) -> Webhook:
    with database.transaction() as session:
        webhook = session.scalar(select(Webhook).where(Webhook.uuid == request.subject))
    if webhook is None:
        raise Undeliverable("the webhook was removed")
    if not webhook.active:
        raise Undeliverable("the webhook is switched off")
    return webhook


def _note_success(session: Session, webhook: Webhook) -> None:
    session.execute(
        update(Webhook)
        .where(Webhook.id == webhook.id, Webhook.failing_since.is_not(None))
        .values(failing_since=None)
        .execution_options(synchronize_session=False)
    )


def _note_failure(database: Database, webhook: Webhook, refusal: Refused, *, at: datetime) -> None:
    """Remember since when; after days, or at its own word, nothing is sent there any more.

    To who did not answer at all nothing is sent for a while, so that the others have their turn.
    """
    with database.transaction() as session:
        if isinstance(refusal, Silent):
            notifications.put_off(session, webhook.uuid, until_at=at + RESTS, at=at)
        held = session.scalar(select(Webhook).where(Webhook.id == webhook.id).with_for_update())
        if held is None or not held.active:
            return
        held.failing_since = held.failing_since or at
        if not refusal.gone and at - held.failing_since < DISABLED_AFTER:
            return
        held.active, held.disabled_why = False, str(refusal)
        since = held.failing_since.isoformat()
        audit.record(
            session,
            Actor(None, "notifier"),
            "webhook.disabled",
            subject=("webhook", held.uuid),
            at=at,
            why=str(refusal),
            failing_since=since,
        )
