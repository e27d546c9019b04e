"""Who gets in, and who hears whom. A 3.1.1 PUBACK says yes to everything, so what counts is what arrives."""

import itertools
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from broker import topics
from broker.client import Connection, Refused
from broker.topics import AlertKind, Channel, Service
from tests.servers import WAIT_S, Broker

_numbers = itertools.count(1)
Connect = Callable[..., Any]


@pytest.fixture
def watch(broker: Broker) -> tuple[str, str]:
    """Uid and password of a device nobody else has."""
    uid = f"watch-u{next(_numbers)}"
    return uid, broker.add_device(uid)


def service(broker: Broker, name: Service, *filters: str) -> Connection:
    connection = Connection(f"test-{next(_numbers)}", name, broker.settings, subscriptions=filters).start()
    connection.wait_connected(WAIT_S)
    return connection


@pytest.mark.parametrize("listener", ["mqtt", "mqtt_tls", "mqtt_ws", "mqtt_service"])
def test_nobody_gets_in_without_a_name(station: Connect, listener: str) -> None:
    assert not station(listener=listener).is_in


@pytest.mark.parametrize("listener", ["mqtt", "mqtt_tls", "mqtt_ws"])
@pytest.mark.parametrize("protocol", [mqtt.MQTTv311, mqtt.MQTTv5])
def test_a_device_gets_in_by_every_listener(
    station: Connect, watch: tuple[str, str], listener: str, protocol: int
) -> None:
    assert station(*watch, listener=listener, protocol=protocol).is_in


def test_a_wrong_password_does_not_get_in(station: Connect, watch: tuple[str, str]) -> None:
    assert not station(watch[0], "wrong").is_in
    assert not station("watch-nobody", watch[1]).is_in


def test_a_device_speaks_and_hears_on_its_own_topics(
    broker: Broker, station: Connect, watch: tuple[str, str]
) -> None:
    uid, _ = watch
    device = station(*watch)
    device.listen(f"mayday/v1/dev/{uid}/#")
    with service(broker, Service.BENCH, topics.LINES[Channel.ACK].filter()):
        ingest = service(broker, Service.INGEST, topics.LINES[Channel.SOS].filter())
        device.say(topics.device(uid, Channel.SOS), b'{"id":"1"}')
        delivery = ingest.receive(WAIT_S)
        assert delivery is not None
        assert (delivery.topic, delivery.payload) == (topics.device(uid, Channel.SOS), b'{"id":"1"}')
        assert ingest.acknowledge(delivery)
        ingest.publish(topics.device(uid, Channel.ACK), b"{}").wait(WAIT_S)
        device.hears(topics.device(uid, Channel.ACK))
        ingest.close()


def test_a_device_is_neither_heard_nor_hears_on_anothers_topics(
    broker: Broker, station: Connect, watch: tuple[str, str]
) -> None:
    uid, _ = watch
    thief_uid = f"thief-{next(_numbers)}"
    thief = station(thief_uid, broker.add_device(thief_uid))
    thief.listen(
        "#", "mayday/#", f"mayday/v1/dev/{uid}/#", f"mayday/v1/dev/{uid}/ack", "mayday/v1/alerts/#", "$SYS/#"
    )
    ingest = service(
        broker, Service.INGEST, *(topics.LINES[each].filter() for each in (Channel.SOS, Channel.POS))
    )
    thief.say(topics.device(uid, Channel.SOS))
    thief.say(topics.device(uid, Channel.ACK))
    thief.say(topics.alert("default", AlertKind.SOS, "forged"), retain=True)
    thief.say(f"owntracks/{uid}/phone")
    thief.say(topics.device(thief_uid, Channel.POS))
    first = ingest.receive(WAIT_S)
    assert first is not None
    assert first.topic == topics.device(thief_uid, Channel.POS)  # all the rest came before, and to nobody
    ingest.publish(topics.device(uid, Channel.ACK), b"secret").wait(WAIT_S)
    ingest.publish(topics.device(thief_uid, Channel.ACK), b"own").wait(WAIT_S)
    thief.hears(topics.device(thief_uid, Channel.ACK))
    assert thief.heard() == [(topics.device(thief_uid, Channel.ACK), b"own")]
    ingest.close()


def test_a_colon_in_a_uid_works_all_the_way(broker: Broker, station: Connect) -> None:
    uid = f"AA:BB:{next(_numbers)}"
    device = station(topics.wire_name(uid), broker.add_device(uid))
    assert device.is_in
    ingest = service(broker, Service.INGEST, topics.LINES[Channel.SOS].filter())
    device.say(topics.device(uid, Channel.SOS))
    delivery = ingest.receive(WAIT_S)
    assert delivery is not None
    assert topics.parse(delivery.topic) == topics.DeviceTopic(uid, Channel.SOS)
    ingest.close()


def test_owntracks_publishes_as_it_is(broker: Broker, station: Connect, watch: tuple[str, str]) -> None:
    ingest = service(broker, Service.INGEST, *topics.OWNTRACKS_FILTERS)
    phone = station(*watch)
    for leaf in ("", "/event", "/waypoints"):
        phone.say(f"owntracks/{watch[0]}/my phone{leaf}", b'{"_type":"location"}')
        delivery = ingest.receive(WAIT_S)
        assert delivery is not None
        assert delivery.topic.endswith(f"my phone{leaf}")
    ingest.close()


def test_a_dispatcher_reads_its_own_regions_and_the_default_one_also_late(
    broker: Broker, station: Connect
) -> None:
    north = station("desk-north", broker.add_dispatcher("desk-north", ["north"]))
    chief = station("desk-chief", broker.add_dispatcher("desk-chief"))
    for desk in (north, chief):
        desk.listen("mayday/v1/alerts/#")
    with service(broker, Service.NOTIFIER) as notifier:
        alerts = {
            region: topics.alert(region, AlertKind.SOS, "1") for region in ("south", "north", "default")
        }
        for topic in alerts.values():
            notifier.publish(topic, b"open", retain=True).wait(WAIT_S)
        chief.hears(alerts["default"])
        north.hears(alerts["default"])
        late = station("desk-north", broker.add_dispatcher("desk-north", ["north"]), listener="mqtt_ws")
        late.listen("mayday/v1/alerts/#")
        late.hears(alerts["default"])
        # Beside what other tests left retained.
        ours = set(alerts.values())
        assert {topic for topic, _ in chief.heard()} & ours == ours
        assert {topic for topic, _ in north.heard()} & ours == {alerts["north"], alerts["default"]}
        late.hears(alerts["north"])
        assert alerts["south"] not in {topic for topic, _ in late.heard()}
        for topic in alerts.values():
            notifier.publish(topic, b"", retain=True).wait(WAIT_S)


def test_a_dispatcher_cannot_raise_an_alert(broker: Broker, station: Connect) -> None:
    desk = station("desk-forger", broker.add_dispatcher("desk-forger"))
    desk.listen("mayday/v1/alerts/#")
    forged = topics.alert("default", AlertKind.SOS, "forged")
    desk.say(forged)
    with service(broker, Service.NOTIFIER) as notifier:
        notifier.publish(topics.alert("default", AlertKind.SYSTEM, "real"), b"{}").wait(WAIT_S)
    desk.hears(topics.alert("default", AlertKind.SYSTEM, "real"))
    assert forged not in {topic for topic, _ in desk.heard()}


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        (Service.INGEST, "mayday/v1/alerts/default/sos/1"),
        (Service.INGEST, "mayday/v1/dev/w/cmd"),
        (Service.NOTIFIER, "mayday/v1/dev/w/ack"),
        (Service.NOTIFIER, "mayday/v1/dev/w/sos"),
        (Service.API, "mayday/v1/alerts/default/sos/1"),
        (Service.KEEPER, "mayday/v1/dev/w/ack"),
    ],
)
def test_a_service_that_writes_where_it_may_not_is_told(broker: Broker, name: Service, topic: str) -> None:
    with service(broker, name) as connection, pytest.raises(Refused, match="Not authorized"):
        connection.publish(topic, b"{}").wait(WAIT_S)


def test_a_larger_payload_is_dropped_and_its_connection_lives_on(
    broker: Broker, station: Connect, watch: tuple[str, str]
) -> None:
    device = station(*watch)
    ingest = service(broker, Service.INGEST, topics.LINES[Channel.SOS].filter())
    device.say(topics.device(watch[0], Channel.SOS), b"x" * 65_537)
    device.say(topics.device(watch[0], Channel.SOS), b"x" * 65_536)
    delivery = ingest.receive(WAIT_S)
    assert delivery is not None
    assert len(delivery.payload) == 65_536
    ingest.close()


def test_a_device_that_asks_for_no_keepalive_may_call_for_help(
    broker: Broker, watch: tuple[str, str], station: Connect
) -> None:
    import socket

    uid, password = (each.encode() for each in watch)
    fields = b"".join(len(each).to_bytes(2) + each for each in (b"no-keepalive", uid, password))
    body = b"\0\4MQTT\4\xc2\0\0" + fields
    with socket.create_connection(("127.0.0.1", broker.port), timeout=WAIT_S) as raw:
        raw.sendall(bytes([0x10, len(body)]) + body)
        assert raw.recv(4) == b"\x20\x02\x00\x00"


def test_under_its_second_name_a_device_has_its_own_topics_and_no_others(
    broker: Broker, station: Connect, watch: tuple[str, str]
) -> None:
    uid, _ = watch
    other = f"watch-u{next(_numbers)}"
    device = station(topics.second_name(uid), broker.add_device(topics.second_name(uid)))
    assert device.is_in
    ingest = service(broker, Service.INGEST, topics.LINES[Channel.SOS].filter())
    for name in (other, uid):
        device.say(topics.device(name, Channel.SOS), name.encode())
    delivery = ingest.receive(WAIT_S)
    assert delivery is not None
    assert delivery.payload == uid.encode()
    device.listen(f"{topics.DEVICES}/#")
    for name in (other, uid):
        ingest.publish(topics.device(name, Channel.ACK), b"{}").wait(WAIT_S)
    device.hears(topics.device(uid, Channel.ACK))
    assert [topic for topic, _ in device.heard()] == [topics.device(uid, Channel.ACK)]
    ingest.close()
