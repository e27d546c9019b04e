"""The services' connection: what it delivers, acknowledges and publishes while brokers come and go."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from broker import topics
from broker.client import Connection, Delivery, NotConnected, Refused
from broker.settings import BrokerSettings
from broker.topics import Channel, Service
from ops.ports import any_free
from tests.servers import WAIT_S, Broker, eventually

_numbers = itertools.count(1)
SOS = topics.LINES[Channel.SOS].filter()


@pytest.fixture
def name() -> str:
    """A session that nobody else has."""
    return f"client-{next(_numbers)}"


@pytest.fixture
def call(broker: Broker, station: Callable[..., Any]) -> Callable[[str], None]:
    """Publishes an SOS of a new device, each time on a new connection."""
    uid = f"caller-{next(_numbers)}"
    password = broker.add_device(uid)

    def publish(said: str) -> None:
        caller = station(uid, password)
        caller.say(topics.device(uid, Channel.SOS), said)
        caller.close()

    return publish


def ingest(broker: Broker, name: str, **how: Any) -> Connection:
    connection = Connection(name, Service.INGEST, broker.settings, subscriptions=[SOS], **how).start()
    connection.wait_connected(WAIT_S)
    return connection


def take(connection: Connection) -> Delivery:
    delivery = connection.receive(WAIT_S)
    assert delivery is not None
    return delivery


def test_what_was_not_acknowledged_comes_again_to_the_next_process(
    broker: Broker, name: str, call: Callable[[str], None]
) -> None:
    first = ingest(broker, name)
    call("1")
    call("2")
    assert first.acknowledge(take(first))
    assert take(first).payload == b"2"
    first.close()
    second = ingest(broker, name)
    again = take(second)
    assert (again.payload, again.dup) == (b"2", True)
    assert second.acknowledge(again)
    second.close()
    third = ingest(broker, name)
    assert third.receive(0.3) is None
    third.close()


def test_an_acknowledgement_of_a_dead_connection_is_ignored(
    broker: Broker, name: str, call: Callable[[str], None]
) -> None:
    connection = ingest(broker, name)
    call("kept")
    call("unread")
    stale = take(connection)
    broker.stop()
    broker.start()
    eventually(lambda: connection.connected, "the connection to come back")
    assert not connection.acknowledge(stale)
    # Had its packet id been acknowledged on the new connection, one of these would be gone.
    read: set[bytes] = set()
    while read != {b"kept", b"unread"}:
        delivery = take(connection)
        if connection.acknowledge(delivery):
            read.add(delivery.payload)
    connection.close()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_it_comes_back_by_itself_within_moments(
    broker: Broker, name: str, call: Callable[[str], None], how: str
) -> None:
    connection = ingest(broker, name)
    generation = connection.generation
    getattr(broker, how)()
    eventually(lambda: not connection.connected, "the loss to be noticed")
    broker.start()
    eventually(lambda: connection.connected, "the connection to come back")
    assert connection.generation > generation
    call("after")
    assert take(connection).payload == b"after"
    connection.close()


@pytest.mark.parametrize("away", ["disconnected", "lost"])
def test_a_session_that_is_away_gets_what_came_while_it_was_and_across_a_restart(
    broker: Broker, name: str, call: Callable[[str], None], away: str
) -> None:
    connection = ingest(broker, name)
    if away == "disconnected":
        connection.close()
        call("while away")
    broker.stop()
    connection.close()
    broker.start()
    call("after the restart")
    back = ingest(broker, name)
    expected = [b"while away"] if away == "disconnected" else []
    for payload in [*expected, b"after the restart"]:
        delivery = take(back)
        assert delivery.payload == payload
        back.acknowledge(delivery)
    back.close()


def test_no_more_than_its_measure_is_under_way(
    broker: Broker, name: str, call: Callable[[str], None]
) -> None:
    connection = ingest(broker, name, max_inflight=2)
    for number in range(4):
        call(str(number))
    first, second = take(connection), take(connection)
    assert connection.receive(0.3) is None
    connection.acknowledge(first)
    assert take(connection).payload == b"2"
    connection.acknowledge(second)
    assert take(connection).payload == b"3"
    connection.close()


def test_a_retained_status_comes_to_a_new_session_once(
    broker: Broker, name: str, station: Callable[..., Any]
) -> None:
    uid = f"retainer-{next(_numbers)}"
    device = station(uid, broker.add_device(uid))
    device.say(topics.device(uid, Channel.STATUS), b'{"s":"online"}', retain=True)
    for expected in (True, False):
        connection = Connection(
            name, Service.INGEST, broker.settings, subscriptions=[topics.device(uid, Channel.STATUS)]
        ).start()
        connection.wait_connected(WAIT_S)
        delivery = connection.receive(WAIT_S if expected else 0.3)
        assert (delivery is not None and delivery.retain) is expected
        if delivery:
            connection.acknowledge(delivery)
        time.sleep(0.05)
        connection.close()


def test_publishing_waits_for_the_broker(broker: Broker, name: str) -> None:
    with Connection(name, Service.NOTIFIER, broker.settings) as connection:
        connection.wait_connected(WAIT_S)
        for number in range(200):
            connection.publish("mayday/v1/alerts/default/system/test", str(number).encode()).wait(WAIT_S)


def test_publishing_without_a_broker_keeps_nothing_and_says_so(broker: Broker, name: str) -> None:
    connection = Connection(name, Service.NOTIFIER, broker.settings).start()
    connection.wait_connected(WAIT_S)
    broker.kill()
    eventually(lambda: not connection.connected, "the loss to be noticed")
    with pytest.raises(NotConnected):
        connection.publish("mayday/v1/alerts/default/system/test", b"{}")
    connection.close()


def test_several_threads_may_publish_at_once(broker: Broker, name: str) -> None:
    with Connection(name, Service.NOTIFIER, broker.settings) as connection:
        connection.wait_connected(WAIT_S)
        failed: list[Exception] = []

        def publish() -> None:
            try:
                for _ in range(50):
                    connection.publish("mayday/v1/alerts/default/system/test", b"{}").wait(WAIT_S)
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=publish) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []


def test_a_wrong_secret_is_said_clearly(broker: Broker, name: str) -> None:
    stranger = BrokerSettings(secret=SecretStr("not the stack's secret"), mqtt_port=broker.settings.mqtt_port)
    with Connection(name, Service.INGEST, stranger) as connection:
        eventually(lambda: "refused @ingest: Not authorized" in trouble(connection), "the refusal")


def test_a_broker_that_is_not_there_is_said_clearly(name: str) -> None:
    nobody = BrokerSettings(secret=SecretStr("s" * 32), mqtt_port=any_free())
    with Connection(name, Service.INGEST, nobody) as connection:
        eventually(lambda: "cannot reach" in trouble(connection), "the trouble")


def trouble(connection: Connection) -> str:
    """What it says to who cannot wait."""
    with pytest.raises((NotConnected, Refused)) as said:
        connection.wait_connected(0)
    return str(said.value)


def test_the_loop_of_a_worker_turns_without_messages_and_ends_when_told(broker: Broker, name: str) -> None:
    silent = f"mayday/v1/alerts/{name}/#"  # whatever other tests left retained
    with Connection(name, Service.API, broker.settings, subscriptions=[silent]) as connection:
        connection.wait_connected(WAIT_S)
        stopping = threading.Event()
        threading.Timer(0.2, stopping.set).start()
        assert all(delivery is None for delivery in connection.messages(stopping, timeout_s=0.05))
