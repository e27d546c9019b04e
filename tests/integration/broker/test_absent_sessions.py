"""Sessions that are away, over restarts and reloads of the broker."""

import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from broker.client import Connection
from broker.topics import Service
from tests.servers import WAIT_S, Broker, eventually


def come_and_go(broker: Broker, uid: str, *, expiry_s: int) -> None:
    """A device that leaves a session behind, with an end of its own."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = expiry_s
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=uid, protocol=mqtt.MQTTv5)
    client.username_pw_set(uid, broker.add_device(uid))
    client.connect("127.0.0.1", broker.port, clean_start=False, properties=properties)
    client.loop_start()
    eventually(client.is_connected, "the device to connect")
    client.disconnect()
    client.loop_stop()


def test_a_reload_after_a_restart_cuts_nobody_off(broker: Broker) -> None:
    for number in range(5):
        come_and_go(broker, f"passing-{number}", expiry_s=3600)
    broker.stop()
    broker.start()
    for number in range(5):
        broker.add_device(f"new-{number}")  # each is a reload
        time.sleep(0.05)
    for number in range(5):
        come_and_go(broker, f"passing-{number}", expiry_s=0)
    with (
        Connection("steady-1", Service.INGEST, broker.settings) as one,
        Connection("steady-2", Service.INGEST, broker.settings) as two,
    ):
        one.wait_connected(WAIT_S)
        two.wait_connected(WAIT_S)
        time.sleep(2.5)  # the broker looks for expired sessions once a second
        assert (one.generation, two.generation) == (1, 1)
    assert "Expiring client" not in broker.log()
