import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from broker import process
from broker.keeper import CHANNEL, Keeper, run
from broker.settings import KeeperSettings
from db.bell import Bell
from db.session import Database
from tests.servers import WAIT_S, Broker, eventually


class Station:
    """A device's or dispatcher's own client, that keeps all it hears."""

    def __init__(self, broker: Broker, username: str | None, password: str | None, **how: Any) -> None:
        listener = how.pop("listener", "mqtt")
        client_id = how.pop("client_id", "")
        self.answer: ReasonCode | None = None
        self.lost_at: float | None = None
        self._heard: list[tuple[str, bytes]] = []
        self._answered = threading.Event()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=how.pop("protocol", mqtt.MQTTv311),
            transport="websockets" if listener == "mqtt_ws" else "tcp",
            reconnect_on_failure=False,
            **how,
        )
        if username is not None:
            self.client.username_pw_set(username, password)
        if listener == "mqtt_tls":
            self.client.tls_set(str(broker.ca))
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = lambda _, __, message: self._heard.append(
            (message.topic, bytes(message.payload))
        )
        self.client.connect("127.0.0.1", broker.ports[listener])
        self.client.loop_start()
        assert self._answered.wait(WAIT_S)

    def _on_connect(self, *said: Any) -> None:
        self.answer = said[3]
        self._answered.set()

    def _on_disconnect(self, *_: Any) -> None:
        self.lost_at = time.monotonic()

    @property
    def is_in(self) -> bool:
        return self.answer is not None and not self.answer.is_failure

    def listen(self, *filters: str) -> None:
        granted = threading.Event()
        self.client.on_subscribe = lambda *_: granted.set()
        self.client.subscribe([(each, 1) for each in filters])
        assert granted.wait(WAIT_S)

    def say(self, topic: str, payload: str | bytes = b"{}", *, qos: int = 1, retain: bool = False) -> None:
        self.client.publish(topic, payload, qos, retain).wait_for_publish(WAIT_S)

    def heard(self) -> Sequence[tuple[str, bytes]]:
        return list(self._heard)

    def hears(self, topic: str) -> None:
        eventually(lambda: topic in [each for each, _ in self.heard()], f"{topic} to be heard")

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def station(broker: Broker) -> Iterator[Callable[..., Station]]:
    """Connects somebody: station(username, password, listener=..., ...)."""
    with contextlib.ExitStack() as stack:

        def connect(username: str | None = None, password: str | None = None, **how: Any) -> Station:
            return stack.enter_context(contextlib.closing(Station(broker, username, password, **how)))

        yield connect


@pytest.fixture
def settings(broker: Broker) -> KeeperSettings:
    return KeeperSettings(
        secret=broker.settings.secret,
        mqtt_port=broker.settings.mqtt_port,
        broker_dir=broker.keeper_folder,
        broker_pid_file=broker.server.pid_file,
        bench=True,
    )


@pytest.fixture
def keeper(settings: KeeperSettings, database: Database) -> Iterator[process.Life]:
    """A keeper at work, as its process runs it."""
    life = process.Life("keeper")
    with Bell(database.url, CHANNEL) as bell:
        thread = threading.Thread(target=run, args=(Keeper(settings), database, bell, life))
        thread.start()
        eventually(lambda: life._beaten_at is not None, "the keeper's first look")
        yield life
        life.stop()
        thread.join()
