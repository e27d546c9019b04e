"""Alert topics and device states, published by the real notifier to a real broker."""

import json
import queue
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select
from sqlalchemy.orm import Session

from broker import topics
from broker.client import Connection
from broker.topics import AlertKind, Service
from db import notifications, work
from db.models import Delivery, Device, Notification, SystemAlert
from db.session import Database
from db.states import Outcome, Role, WorkStatus
from dispatch import relay as dispatch_relay
from dispatch.sos import service
from notifier import relay
from notifier.channels import topic
from tests.builders import NOON, TASHKENT, make_device, make_user, report
from tests.servers import WAIT_S, Broker

SECOND = timedelta(seconds=1)


class Desk:
    """A dispatcher's foreign client, noting what arrives on the alert topics."""

    def __init__(self, broker: Broker, notifier: Connection, topic: str = "mayday/v1/alerts/#") -> None:
        self._notifier = notifier
        self._seen: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        ready = threading.Event()
        name = f"desk-{datetime.now(UTC).timestamp()}"
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name)
        self._client.username_pw_set(name, broker.add_dispatcher(name))
        self._client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = lambda _, __, m: self._seen.put((m.topic, bytes(m.payload), m.retain))
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert ready.wait(WAIT_S)

    def next(self) -> tuple[str, dict[str, Any] | None]:
        topic, payload, _ = self._seen.get(timeout=WAIT_S)
        return topic, json.loads(payload) if payload else None

    def everything(self) -> list[str]:
        """The topics of all that arrives before a word that is said now."""
        arrived: list[str] = []
        words: list[str] = []
        while not words or words[-1] not in arrived:
            words.append(topics.alert("default", AlertKind.SYSTEM, f"{uuid.uuid4()}"))
            self._notifier.publish(words[-1], b"{}").wait(WAIT_S)
            # Again, if it is just coming back.
            with suppress(queue.Empty):
                while words[-1] not in arrived:
                    arrived.append(self._seen.get(timeout=1)[0])
        return [topic for topic in arrived if topic not in words]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def desk(broker: Broker, connection: Connection) -> Iterator[Desk]:
    found = Desk(broker, connection)
    found.everything()  # what earlier tests left retained
    yield found
    found.close()


@pytest.fixture
def connection(broker: Broker) -> Iterator[Connection]:
    with Connection("notifier", Service.NOTIFIER, broker.settings) as connected:
        connected.wait_connected(WAIT_S)
        yield connected


def tell(database: Database, connection: Connection, at: datetime = NOON) -> None:
    while relay.turn(database, topic.channels(connection), at=at):
        pass


def alert_topic(reported: service.Reported, region: str = "default") -> str:
    return f"mayday/v1/alerts/{region}/sos/{reported.incident_id}"


def test_an_opened_incident_appears_on_its_alert_topic_with_who_and_where(
    database: Database, connection: Connection, desk: Desk
) -> None:
    wearer = make_user(database, name="Aziza Karimova")
    device = make_device(database, wearer)
    reported = report(database, device, type="fall", severity=4, **TASHKENT, accuracy_m=12.0)
    tell(database, connection)
    topic, alert = desk.next()
    assert topic == alert_topic(reported)
    assert alert is not None
    assert {key: alert[key] for key in ("incident", "state", "type", "sev", "uid", "name", "phone")} == {
        "incident": str(reported.incident_id),
        "state": "active",
        "type": "fall",
        "sev": 4,
        "uid": device.uid,
        "name": "Aziza Karimova",
        "phone": wearer.phone,
    }
    assert (alert["lat"], alert["lon"], alert["acc"]) == (TASHKENT["lat"], TASHKENT["lon"], 12.0)


def test_who_connects_late_sees_what_is_open_and_nothing_that_is_over(
    database: Database, connection: Connection, broker: Broker, desk: Desk
) -> None:
    person = make_user(database, Role.DISPATCHER)
    open_one = report(database, make_device(database))
    over = report(database, make_device(database))
    tell(database, connection)
    with database.transaction() as session:
        service.resolve(session, over.incident_id, by=person.id, outcome=Outcome.ASSISTED, at=NOON + SECOND)
    tell(database, connection, NOON + SECOND)
    late = Desk(broker, connection)
    seen = late.everything()
    late.close()
    assert alert_topic(open_one) in seen
    assert alert_topic(over) not in seen


def test_a_resolved_incident_is_cleared(database: Database, connection: Connection, desk: Desk) -> None:
    person = make_user(database, Role.DISPATCHER)
    reported = report(database, make_device(database))
    tell(database, connection)
    desk.next()
    with database.transaction() as session:
        service.resolve(session, reported.incident_id, by=person.id, outcome=Outcome.ASSISTED, at=NOON)
    tell(database, connection)
    assert desk.next() == (alert_topic(reported), None)


def test_several_changes_at_once_are_one_message_with_the_newest_state(
    database: Database, connection: Connection, desk: Desk
) -> None:
    person = make_user(database, Role.DISPATCHER, name="Rustam")
    device = make_device(database)
    reported = report(database, device)
    report(database, device)
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=person.id, at=NOON)
    tell(database, connection)
    _, alert = desk.next()
    assert alert is not None
    assert (alert["state"], alert["acknowledged_by"], alert["reports"]) == ("acknowledged", "Rustam", 2)
    assert desk.everything() == []


def test_a_request_waits_for_a_broker_that_is_away_and_each_attempt_is_kept(
    database: Database, broker: Broker
) -> None:
    with Connection("notifier", Service.NOTIFIER, broker.settings) as connection:
        connection.wait_connected(WAIT_S)
        broker.stop()
        reported = report(database, make_device(database))
        relay.turn(database, topic.channels(connection), at=NOON)
        broker.start()
        connection.wait_connected(WAIT_S)
        relay.turn(database, topic.channels(connection), at=NOON + 60 * SECOND)
    with database.transaction() as session:
        attempts = session.scalars(
            select(Delivery.ok)
            .join(Notification, Delivery.notification_id == Notification.id)
            .where(Notification.subject == reported.incident_id)
            .order_by(Delivery.id)
        ).all()
        statuses = session.scalars(select(Notification.status)).all()
    assert attempts == [False, True]
    assert statuses == [WorkStatus.DONE]


def test_a_request_whose_notifier_died_is_told_by_the_next(
    database: Database, connection: Connection, desk: Desk
) -> None:
    reported = report(database, make_device(database))
    with database.transaction() as session:
        assert work.claim(session, Notification, at=NOON)
    # Here it dies, with the request claimed and nothing sent.
    tell(database, connection, NOON + SECOND)
    assert desk.everything() == []
    tell(database, connection, NOON + work.LEASE + SECOND)
    assert desk.next()[0] == alert_topic(reported)


def test_a_broker_that_lost_what_it_retained_is_told_again_what_is_open_and_what_just_ended(
    database: Database, connection: Connection, desk: Desk
) -> None:
    person = make_user(database, Role.DISPATCHER)
    open_one, over = report(database, make_device(database)), report(database, make_device(database))
    held = report(database, make_device(database), hold_s=60)
    with database.transaction() as session:
        service.resolve(session, over.incident_id, by=person.id, outcome=Outcome.ASSISTED, at=NOON)
    tell(database, connection)
    desk.everything()
    relay.repeat(database, connection, at=NOON + SECOND)
    tell(database, connection, NOON + SECOND)
    told = desk.everything()
    assert set(told) == {alert_topic(open_one), alert_topic(over)}
    assert alert_topic(held) not in told


def test_the_device_is_told_what_becomes_of_its_press(
    database: Database, connection: Connection, broker: Broker
) -> None:
    person, device = make_user(database, Role.DISPATCHER), make_device(database)
    reported = report(database, device, frame_id="7f3a")
    with database.transaction() as session:
        service.acknowledge(session, reported.incident_id, by=person.id, at=NOON)
    while dispatch_relay.turn(database, at=NOON):
        pass
    tell(database, connection)
    assert _retained_state(broker, device) == {"id": "7f3a", "s": "acknowledged"}


def _retained_state(broker: Broker, device: Device) -> dict[str, Any]:
    seen: queue.Queue[bytes] = queue.Queue()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=device.uid)
    client.username_pw_set(device.uid, broker.add_device(device.uid))
    client.on_connect = lambda client, *_: client.subscribe(f"mayday/v1/dev/{device.uid}/state", 1)
    client.on_message = lambda _, __, message: seen.put(bytes(message.payload))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        found: dict[str, Any] = json.loads(seen.get(timeout=WAIT_S))
    finally:
        client.disconnect()
        client.loop_stop()
    return found


def say(database: Database, alert: SystemAlert, at: datetime = NOON) -> None:
    with database.transaction() as session:
        session.add(alert)
        session.flush()
        notifications.request(session, "system", alert.uuid, at=at)


def test_what_is_ill_stands_on_its_topic_until_it_is_well(
    database: Database, connection: Connection, broker: Broker, desk: Desk
) -> None:
    ill = SystemAlert(region="default", what="disk", message="nearly full", since=NOON)
    say(database, ill)
    tell(database, connection)
    where = "mayday/v1/alerts/default/system/disk"
    said = {"what": "disk", "region": "default", "since": NOON.isoformat(), "text": "nearly full"}
    assert desk.next() == (where, said)
    with Desk(broker, connection, where) as late:
        assert late.next() == (where, said)
    ill.ended_at = NOON + SECOND
    say(database, ill, NOON + SECOND)
    tell(database, connection, NOON + SECOND)
    assert desk.next() == (where, None)


def test_an_end_that_is_told_late_does_not_hide_what_is_ill_again(
    database: Database, connection: Connection, desk: Desk
) -> None:
    over = SystemAlert(
        region="default", what="disk", message="first", since=NOON - SECOND, ended_at=NOON - SECOND
    )
    say(database, SystemAlert(region="default", what="disk", message="second", since=NOON))
    tell(database, connection)
    say(database, over)
    tell(database, connection)
    texts = [said and said["text"] for _, said in (desk.next(), desk.next())]
    assert texts == ["second", "second"]
    with database.transaction() as session:
        for alert in session.scalars(select(SystemAlert)):
            alert.ended_at = NOON
            notifications.request(session, "system", alert.uuid, at=NOON)
    tell(database, connection)


def test_what_is_ill_is_told_again_after_the_broker_forgot_it(
    database: Database, connection: Connection, desk: Desk
) -> None:
    with database.transaction() as session:
        session.add(SystemAlert(region="default", what="disk", message="nearly full", since=NOON))
        session.add(SystemAlert(region="default", what="broker", message="", since=NOON, ended_at=NOON))
    relay.repeat(database, connection, at=NOON + SECOND)
    tell(database, connection, NOON + SECOND)
    said = dict([desk.next(), desk.next()])
    assert said["mayday/v1/alerts/default/system/broker"] is None
    assert said["mayday/v1/alerts/default/system/disk"]
    with database.transaction() as session:
        for alert in session.scalars(select(SystemAlert)):
            alert.ended_at = NOON
    relay.repeat(database, connection, at=NOON + SECOND)
    tell(database, connection, NOON + SECOND)


def test_an_alert_that_cannot_be_told_silences_no_other(
    database: Database, connection: Connection, desk: Desk
) -> None:
    broken, well = (report(database, make_device(database)) for _ in range(2))

    def render(session: Session, incident_id: uuid.UUID) -> topic.Said:
        if incident_id == broken.incident_id:
            raise ValueError("no words for it")
        return topic.alert(session, incident_id)

    relay.turn(database, {"alert": topic.Topic(connection, render)}, at=NOON)
    assert set(desk.everything()) == {alert_topic(well)}
    with database.transaction() as session:
        asked = {
            request.subject: request
            for request in session.scalars(select(Notification).where(Notification.kind == "alert"))
        }
    assert asked[well.incident_id].status == WorkStatus.DONE
    assert asked[broken.incident_id].status == WorkStatus.WAITING
    assert asked[broken.incident_id].last_error == "ValueError: no words for it"


def test_alerts_go_first_and_whatever_else_is_due_goes_with_them(
    database: Database, connection: Connection, desk: Desk
) -> None:
    reported = report(database, make_device(database))
    while dispatch_relay.turn(database, at=NOON):
        pass
    channels = topic.channels(connection)
    alerts = {"alert": channels.pop("alert")}
    while relay.speak(database, alerts, [channels], at=NOON):
        pass
    assert desk.next()[0] == alert_topic(reported)
    with database.transaction() as session:
        asked = select(Notification.status).where(Notification.kind.in_(["alert", "state"]))
        assert set(session.scalars(asked)) == {WorkStatus.DONE}
