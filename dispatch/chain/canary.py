"""A call for help that nobody made: it walks the whole way over MQTT, is timed, and ended by the house."""

import asyncio
import contextlib
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import aiomqtt
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from broker import topics
from broker.passwords import hash_secret, matches, new_client_id
from broker.settings import BrokerSettings
from broker.topics import AlertKind, Channel, Service
from db.models import CanaryCall, Device, Incident, MqttCredential
from db.session import TRANSIENT, Database
from db.states import CredentialKind, DeviceKind, IncidentState, Outcome
from dispatch.chain import rules
from dispatch.chain.rules import Walk
from dispatch.sos import moving, queries

log = structlog.get_logger()

UID = "mayday-canary"

FIRST_AFTER_S = 20.0
"""The keeper lets a new device in within a second; whatever starts beside us may take longer."""

AGAIN_S = 30.0
"""After a call that failed: whether it was chance is to be known soon."""

_RESEND_S = 1.0
_CONNECT_S = 5.0
_LONGEST_S = 15.0


class Taken(Exception):
    """Somebody's device bears the canary's name."""


def run(
    database: Database,
    settings: BrokerSettings,
    stopping: threading.Event,
    *,
    every_s: float,
    first_after_s: float = FIRST_AFTER_S,
) -> None:
    """Call again and again until told to stop."""
    pause_s = first_after_s
    with contextlib.suppress(*TRANSIENT, Taken):
        _prepare(database, settings)
    while not stopping.wait(pause_s):
        pause_s = min(every_s, AGAIN_S)
        try:
            if rules.is_good(call(database, settings)):
                pause_s = every_s
        except TRANSIENT as error:
            log.warning("no canary call: the database is away", error=str(error).strip())


def call(database: Database, settings: BrokerSettings) -> Walk:
    """Make one call, write down how it went, and end it."""
    try:
        password = _prepare(database, settings)
        walk, incident_id = asyncio.run(_Caller(settings, password).walk())
    except Taken as taken:
        walk, incident_id = Walk(datetime.now(UTC), failed=str(taken)), None
    with database.transaction() as session:
        _write_down(session, walk, incident_id)
    return walk


def ensure(session: Session, settings: BrokerSettings) -> str:
    """The canary's device and its broker login, as they must be; returns its password."""
    password = settings.derive("canary")
    device = session.scalar(select(Device).where(Device.uid == UID).with_for_update())
    if device is None:
        device = Device(uid=UID, kind=DeviceKind.TRACKER, model="canary", canary=True)
        session.add(device)
        session.flush()
    if not device.canary:
        raise Taken(f"somebody has registered a device as {UID}")
    device.retired_at = device.owner_id = None
    credential = session.get(MqttCredential, UID)
    if credential is None:
        credential = MqttCredential(
            username=UID,
            kind=CredentialKind.DEVICE,
            device_id=device.id,
            password_hash=hash_secret(password),
            client_id=new_client_id(UID),
        )
        session.add(credential)
    if not matches(password, credential.password_hash):
        credential.password_hash = hash_secret(password)
    credential.revoked_at = credential.expires_at = None
    session.flush()
    return password


def end_open(session: Session, *, at: datetime) -> None:
    """End what an earlier call has left open: a call that joins it would try nothing."""
    left = select(Incident.id).where(Incident.canary, Incident.state != IncidentState.RESOLVED)
    for incident_id in session.scalars(left).all():
        end(session, incident_id, at=at)


def end(session: Session, incident_id: uuid.UUID, *, at: datetime) -> None:
    """The house may end what the house has called; nobody else's."""
    incident = queries.lock_incident(session, incident_id)
    if incident.canary and incident.state != IncidentState.RESOLVED:
        moving.end(session, incident, outcome=Outcome.CANCELLED, by=None, note="", at=at)


def _prepare(database: Database, settings: BrokerSettings) -> str:
    with database.transaction() as session:
        password = ensure(session, settings)
        end_open(session, at=datetime.now(UTC))
    return password


def _write_down(session: Session, walk: Walk, incident_id: uuid.UUID | None) -> None:
    trouble = rules.trouble_of(walk)
    incident = session.get(Incident, incident_id) if incident_id is not None else None
    session.add(
        CanaryCall(
            sent_at=walk.sent_at,
            incident_id=incident_id,
            stored_at=incident.opened_at if incident is not None else None,
            acknowledged_at=walk.acknowledged_at,
            alerted_at=walk.alerted_at,
            telemetry_at=walk.telemetry_at,
            trouble=trouble,
        )
    )
    end_open(session, at=datetime.now(UTC))
    if trouble is not None:
        log.warning("canary call failed", trouble=trouble)


@dataclass
class _Caller:
    """A device that calls, and a listener on the alert topic beside it."""

    settings: BrokerSettings
    password: str
    press: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _answer: dict[str, object] | None = None
    _walk: Walk = field(default_factory=lambda: Walk(datetime.now(UTC)))

    async def walk(self) -> tuple[Walk, uuid.UUID | None]:
        """Send one SOS, and one sample by the other lane, and wait for what must come of them."""
        try:
            await self._call()
        except (aiomqtt.MqttError, OSError) as error:
            self._walk = replace(self._walk, failed=f"it had no connection: {error}")
        said = (self._answer or {}).get("sos")
        return self._walk, uuid.UUID(said) if isinstance(said, str) else None

    async def _call(self) -> None:
        alerts = topics.ALERT_LINES[AlertKind.SOS].filter()
        async with (
            self._client(UID, self.password) as device,
            self._client(Service.AUDIT, self.settings.password(Service.AUDIT)) as desk,
        ):
            await device.subscribe(topics.device(UID, Channel.ACK), 1)
            await desk.subscribe(alerts, 1)
            self._walk = Walk(datetime.now(UTC))
            posts = [
                asyncio.create_task(self._hear(device, self._on_answer)),
                asyncio.create_task(self._hear(desk, self._on_alert)),
            ]
            try:
                async with asyncio.timeout(_LONGEST_S):
                    await self._insist(device)
            except TimeoutError:
                pass
            finally:
                for post in posts:
                    post.cancel()
                await asyncio.gather(*posts, return_exceptions=True)

    async def _insist(self, device: aiomqtt.Client) -> None:
        """As the contract asks of devices: again each second, until the answer is there."""
        while not self._over.is_set():
            if self._answer is None:
                await device.publish(
                    topics.device(UID, Channel.SOS), self._frame(self.press, type="manual"), 1
                )
            if self._walk.telemetry_at is None:
                await device.publish(
                    topics.device(UID, Channel.VITALS), self._frame(f"{self.press}v", steps=0), 1
                )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), _RESEND_S)

    async def _hear(
        self, client: aiomqtt.Client, take: Callable[[dict[str, object], datetime], None]
    ) -> None:
        async for message in client.messages:
            if message.retain or not isinstance(message.payload, bytes) or not message.payload:
                continue
            take(json.loads(message.payload), datetime.now(UTC))
            walk = self._walk
            if walk.failed or None not in (walk.acknowledged_at, walk.telemetry_at, walk.alerted_at):
                self._over.set()

    def _on_answer(self, said: dict[str, object], at: datetime) -> None:
        if said.get("id") == f"{self.press}v" and self._walk.telemetry_at is None:
            self._walk = replace(self._walk, telemetry_at=at)
        if said.get("id") == self.press and self._answer is None:
            self._answer = said
            self._walk = replace(self._walk, acknowledged_at=at)
            if not said.get("ok"):
                self._walk = replace(
                    self._walk, acknowledged_at=None, failed=f"it was refused: {said.get('err')}"
                )

    def _on_alert(self, said: dict[str, object], at: datetime) -> None:
        if said.get("uid") == UID and self._walk.alerted_at is None:
            self._walk = replace(self._walk, alerted_at=at)

    @staticmethod
    def _frame(frame_id: str, **said: object) -> bytes:
        return json.dumps({"id": frame_id, **said}).encode()

    def _client(self, username: str, password: str) -> aiomqtt.Client:
        ca = self.settings.mqtt_ca
        return aiomqtt.Client(
            self.settings.mqtt_host,
            self.settings.mqtt_port,
            username=username,
            password=password,
            identifier=f"canary-{uuid.uuid4().hex}",
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=True,
            timeout=_CONNECT_S,
            tls_params=aiomqtt.TLSParameters(ca_certs=str(ca)) if ca is not None else None,
        )
