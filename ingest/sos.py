"""The SOS lane: each call is committed, answered, then acknowledged; two workers stand side by side."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from broker import codec, process, topics
from broker.client import Connection, Delivery, NotConnected
from broker.frames import AckFrame
from broker.reading import Refusal, read_id, read_sos
from broker.settings import BrokerSettings
from db.session import TRANSIENT, Database
from dispatch.sos import cancelling, queries, service
from dispatch.sos.press import press_of
from ingest import quarantine

log = structlog.get_logger()

LANE = "sos"
_RETRY_S = 0.2

_HEAD_START_S = 0.04
"""How long a worker leaves a call to the one before it: it then finds it stored, and need not race for it."""


def main(worker: int) -> None:
    """Run one worker until told to stop; each receives every SOS, and either alone suffices."""
    name = f"{LANE}-{worker}"
    database = Database(name=name, tries_again=True)
    calls = topics.LINES[topics.Channel.SOS].filter()
    with (
        process.running(name) as life,
        Connection(name, topics.Service.INGEST, BrokerSettings(), subscriptions=[calls]) as connection,
    ):
        for delivery in connection.messages(life.stopping):
            if connection.connected:
                life.beat()
            if delivery is not None:
                life.stopping.wait(head_start_s(worker, delivery, now=time.monotonic()))
                take(database, connection, life, delivery, at=datetime.now(UTC))
    database.close()


def head_start_s(worker: int, delivery: Delivery, *, now: float) -> float:
    """How long this worker still leaves a delivery to those before it; one that has waited is nobody's."""
    return max(0.0, delivery.arrived_at + (worker - 1) * _HEAD_START_S - now)


@dataclass(frozen=True, slots=True)
class Call:
    """One frame of a delivery: an object that may be a call for help, or the reason why it is none."""

    topic: str
    payload: bytes
    uid: str | None
    said: dict[str, Any] | Refusal


def take(
    database: Database, connection: Connection, life: process.Life, delivery: Delivery, *, at: datetime
) -> None:
    """Store every call of a delivery, answer each after its commit, then let the broker forget it."""
    for call in read(delivery):
        answer = _insist(database, life, call, at)
        if life.stopping.is_set():
            return  # unacknowledged: it comes again, to us or to the other worker
        if answer is not None and call.uid is not None:
            _answer(connection, call.uid, answer)
    connection.acknowledge(delivery)


def read(delivery: Delivery) -> list[Call]:
    """The calls of a delivery; one that cannot be read costs itself alone."""
    topic = topics.parse(delivery.topic)
    uid = topic.uid if isinstance(topic, topics.DeviceTopic) else None
    said: list[dict[str, Any] | Refusal]
    try:
        frames = codec.decode(delivery.payload)
    except codec.CodecError as error:
        said = [Refusal(str(error), codec.salvage_id(delivery.payload))]
    else:
        said = [frame if isinstance(frame, dict) else Refusal("not an object") for frame in frames]
    return [Call(delivery.topic, delivery.payload, uid, each) for each in said]


def store(session: Session, call: Call, *, at: datetime) -> AckFrame | None:
    """Write what one call asks for; the answer is true once the transaction is committed."""
    if isinstance(call.said, Refusal):
        return _keep(session, call, call.said.reason, call.said.id, at)
    frame, notes = read_sos(call.said, at=at)
    device = queries.lock_device_of(session, call.uid) if call.uid else None
    if device is None:
        return _keep(session, call, "unknown device", frame.id, at)
    if frame.cancel:
        said = cancelling.cancel(session, device.id, frame_id=frame.id, pin=frame.pin, at=at)
        if said.refused is not None:
            return AckFrame(id=frame.id, ok=False, err=said.refused)
        return AckFrame(id=frame.id, ok=True, sos=said.incident_id)
    press = press_of(frame, via="mqtt", notes=notes, at=at)
    reported = service.report_of(session, device, press=press, at=at)
    return AckFrame(id=frame.id, ok=True, sos=reported.incident_id, dup=not reported.created)


def _insist(database: Database, life: process.Life, call: Call, at: datetime) -> AckFrame | None:
    """Store a call, however long the database is away."""
    while True:
        try:
            return _attempt(database, call, at)
        except TRANSIENT as error:
            log.warning("not stored yet", uid=call.uid, error=str(error).strip())
            life.beat()
            if life.stopping.wait(_RETRY_S):
                return None


def _attempt(database: Database, call: Call, at: datetime) -> AckFrame | None:
    """Store a call; one that never can be must not keep those behind it waiting."""
    try:
        with database.transaction() as session:
            return store(session, call, at=at)
    except TRANSIENT:
        raise
    except Exception as error:
        log.exception("cannot be stored", uid=call.uid)
        reason = f"{type(error).__name__} while storing"
        with database.transaction() as session:
            return _keep(session, call, reason, read_id(call.said), at)


def _keep(session: Session, call: Call, reason: str, frame_id: str | None, at: datetime) -> AckFrame | None:
    """Put a call aside for a person to read; its device is told where it said who is to be answered."""
    quarantine.keep_once(session, LANE, call.topic, call.payload, uid=call.uid, reason=reason, at=at)
    return None if frame_id is None else AckFrame(id=frame_id, ok=False, err=reason)


def _answer(connection: Connection, uid: str, answer: AckFrame) -> None:
    try:
        connection.publish(topics.device(uid, topics.Channel.ACK), codec.encode(answer))
    except NotConnected:
        log.warning("not answered: no connection; the call comes again", uid=uid)
