"""A device as these tests see it."""

import json
import queue
import threading
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import WAIT_S, Broker, eventually


class Watch:
    """A foreign MQTT 3.1.1 client with the credentials of a device; it mostly sends on one channel."""

    def __init__(self, broker: Broker, uid: str, channel: str) -> None:
        self.uid = uid
        self._channel = channel
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self._listening = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=uid)
        self._client.username_pw_set(uid, broker.add_device(uid))
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(f"mayday/v1/dev/{uid}/ack", 1)
        self._client.on_subscribe = lambda *_: self._listening.set()
        self._client.on_message = lambda _, __, message: self._answers.put(json.loads(message.payload))
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert self._listening.wait(WAIT_S)

    def send(self, said: Any, channel: str | None = None) -> None:
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        topic = f"mayday/v1/dev/{self.uid}/{channel or self._channel}"
        # Between two connections nothing can be published.
        eventually(self._client.is_connected, "the device to be connected")
        self._client.publish(topic, data, qos=1).wait_for_publish(WAIT_S)

    def answer(self) -> dict[str, Any]:
        return self._answers.get(timeout=WAIT_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
