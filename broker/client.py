"""A service's connection to the broker: it comes back by itself and acknowledges only what was kept.

Each connection to the broker is a paho client of its own, and its number is the generation. So a packet id
of a dead connection cannot be acknowledged on the next one, and what was being published when a connection
died is reported as lost instead of overtaking something newer after the reconnect.
"""

import queue
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from broker.settings import BrokerSettings
from broker.topics import Service

log = structlog.get_logger()

KEEPALIVE_S = 5
SESSION_NEVER_EXPIRES = 0xFFFFFFFF  # any other number is unsafe with Mosquitto 2.0: see mosquitto.conf
_CONNECT_TIMEOUT_S = 5.0
_FIRST_RETRY_S = 0.05
_LONGEST_RETRY_S = 1.0
_LOOK_S = 0.5
_RETAINED_ONLY_IF_NEW = 1


class NotConnected(ConnectionError):
    """There is no connection now; the caller keeps what it has and tries again."""


class Refused(ConnectionError):
    """The broker is there and says no: wrong password, or not allowed."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, and what is needed to acknowledge it on the connection it came by."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    dup: bool
    mid: int
    generation: int
    arrived_at: float = field(default_factory=time.monotonic, compare=False)


class Receipt:
    """What becomes of one publish."""

    def __init__(self, link: "_Link", info: mqtt.MQTTMessageInfo) -> None:
        self._link = link
        self._info = info

    def wait(self, timeout_s: float) -> None:
        """Return once the broker has it; TimeoutError, NotConnected or Refused say that it may not."""
        until = time.monotonic() + timeout_s
        while not self._info.is_published():
            left = until - time.monotonic()
            if self._link.down.is_set():
                raise NotConnected("the connection was lost before the broker confirmed")
            if left <= 0:
                raise TimeoutError(f"the broker did not confirm within {timeout_s} s")
            self._info.wait_for_publish(min(left, _LOOK_S))
        if reason := self._link.refusals.pop(self._info.mid, None):
            raise Refused(f"the broker refused the message: {reason}")


class _Link:
    """One generation: a paho client from its CONNECT to its end."""

    def __init__(self, client: mqtt.Client, generation: int) -> None:
        self.client = client
        self.generation = generation
        self.ready = threading.Event()
        self.down = threading.Event()
        self.refusal: str | None = None
        self.refusals: dict[int, str] = {}


class Connection:
    """A persistent session under a fixed, secret client id.

    Messages of QoS 1 are redelivered until `acknowledge`; no more than `max_inflight` are here at a time.
    """

    def __init__(
        self,
        name: str,
        service: Service,
        settings: BrokerSettings,
        *,
        subscriptions: Sequence[str] = (),
        max_inflight: int = 500,
    ) -> None:
        self.name = name
        self.dropped = 0
        self._service = service
        self._settings = settings
        self._subscriptions = [
            (topic, SubscribeOptions(qos=1, retainHandling=_RETAINED_ONLY_IF_NEW)) for topic in subscriptions
        ]
        self._max_inflight = max_inflight
        self._arrived: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self._link: _Link | None = None
        self._generation = 0
        self._closing = threading.Event()
        self._trouble: Exception | None = None
        self._thread = threading.Thread(target=self._keep_up, name=f"mqtt:{name}", daemon=True)

    # Life

    def start(self) -> Self:
        """Begin to connect, and return at once; a second time changes nothing."""
        if self._thread.ident is None:
            self._thread.start()
        return self

    def wait_connected(self, timeout_s: float) -> None:
        """Return once connected and subscribed; else raise Refused or NotConnected with the reason."""
        until = time.monotonic() + timeout_s
        while not self.connected:
            if time.monotonic() >= until:
                raise self._trouble or NotConnected(f"{self._address} did not answer within {timeout_s} s")
            time.sleep(0.01)

    @property
    def connected(self) -> bool:
        """Whether the broker is there and has granted every subscription."""
        link = self._link
        return link is not None and link.ready.is_set() and not link.down.is_set()

    @property
    def generation(self) -> int:
        """Grows with each connection: what was retained or under way before may need saying again."""
        return self._generation

    def close(self) -> None:
        """Leave; the session and what is not acknowledged wait at the broker."""
        self._closing.set()
        if link := self._link:
            link.client.disconnect()
            link.down.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Messages in

    def receive(self, timeout_s: float) -> Delivery | None:
        """The next message, or None when none comes in time."""
        try:
            return self._arrived.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def messages(self, stopping: threading.Event, *, timeout_s: float = 1.0) -> Iterator[Delivery | None]:
        """Every message until `stopping`; None whenever none came in time, for the loop's other work."""
        while not stopping.is_set():
            yield self.receive(timeout_s)

    def acknowledge(self, delivery: Delivery) -> bool:
        """Tell the broker that this is kept; False where its connection is gone and it will come again."""
        if delivery.qos == 0:
            return True
        link = self._link
        if link is None or link.generation != delivery.generation or link.down.is_set():
            return False
        return link.client.ack(delivery.mid, delivery.qos) == mqtt.MQTT_ERR_SUCCESS

    # Messages out

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        expires_in_s: int | None = None,
    ) -> Receipt:
        """Send one message now; without a connection nothing is kept, and NotConnected says so.

        For who is away the broker keeps it until it expires.
        """
        link = self._link
        if link is None or not link.ready.is_set() or link.down.is_set():
            raise NotConnected(f"no connection to {self._address}")
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expires_in_s is not None:
            properties.MessageExpiryInterval = expires_in_s
        info = link.client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        if info.rc != mqtt.MQTT_ERR_SUCCESS:
            raise NotConnected(mqtt.error_string(info.rc))
        return Receipt(link, info)

    # The thread that keeps a link up

    @property
    def _address(self) -> str:
        return f"{self._settings.mqtt_host}:{self._settings.mqtt_port}"

    def _keep_up(self) -> None:
        pause_s = _FIRST_RETRY_S
        while not self._closing.is_set():
            began = time.monotonic()
            self._generation += 1
            link = self._new_link()
            try:
                self._connect(link)
                self._watch(link)
            except OSError as error:
                self._note(NotConnected(f"cannot reach {self._address}: {error}"))
            finally:
                link.down.set()
                link.client.loop_stop()
            if link.refusal:
                self._note(Refused(f"{self._address} refused {self._service}: {link.refusal}"))
            if time.monotonic() - began > _LONGEST_RETRY_S:
                pause_s = _FIRST_RETRY_S
            self._closing.wait(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_RETRY_S)

    def _connect(self, link: _Link) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION_NEVER_EXPIRES
        properties.ReceiveMaximum = self._max_inflight
        self._link = link
        link.client.connect(
            self._settings.mqtt_host,
            self._settings.mqtt_port,
            keepalive=KEEPALIVE_S,
            clean_start=False,
            properties=properties,
        )
        link.client.loop_start()

    def _watch(self, link: _Link) -> None:
        deadline = time.monotonic() + _CONNECT_TIMEOUT_S
        while not link.down.wait(_LOOK_S):
            if self._closing.is_set():
                return
            if link.ready.is_set():
                # Also notices a network thread that ended without a word.
                if not link.client.is_connected():
                    return
            elif time.monotonic() > deadline:
                self._note(NotConnected(f"{self._address} took the connection and said nothing"))
                return

    def _note(self, trouble: Exception) -> None:
        if str(trouble) != str(self._trouble):
            log.warning("mqtt", connection=self.name, trouble=str(trouble))
        self._trouble = trouble

    def _new_link(self) -> _Link:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.client_id(self.name),
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.username_pw_set(self._service, self._settings.password(self._service))
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)
        if self._settings.mqtt_ca:
            client.tls_set(str(self._settings.mqtt_ca))
        link = _Link(client, self._generation)

        def on_connect(_: Any, __: Any, ___: Any, reason: ReasonCode, ____: Any) -> None:
            if reason.is_failure:
                link.refusal = str(reason)
                link.down.set()
            elif self._subscriptions:
                client.subscribe(self._subscriptions)
            else:
                self._up(link)

        def on_subscribe(_: Any, __: Any, ___: Any, reasons: list[ReasonCode], ____: Any) -> None:
            refused = [
                topic
                for (topic, _), reason in zip(self._subscriptions, reasons, strict=True)
                if reason.is_failure
            ]
            if refused:
                link.refusal = f"may not read {', '.join(refused)}"
                link.down.set()
            else:
                self._up(link)

        def on_disconnect(_: Any, __: Any, ___: Any, reason: ReasonCode, ____: Any) -> None:
            if reason.is_failure and not self._closing.is_set():
                self._note(NotConnected(f"{self._address} is gone: {reason}"))
            link.down.set()

        def on_message(_: Any, __: Any, message: mqtt.MQTTMessage) -> None:
            self._take(message, link.generation)

        def on_publish(_: Any, __: Any, mid: int, reason: ReasonCode, ___: Any) -> None:
            if reason.is_failure:
                link.refusals[mid] = str(reason)
            else:
                link.refusals.pop(mid, None)

        def on_socket_open(_: Any, __: Any, peer: Any) -> None:
            # Without it the kernel holds a small packet back, up to 40 ms, until the one before is confirmed.
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        client.on_socket_open = on_socket_open
        client.on_connect = on_connect
        client.on_subscribe = on_subscribe
        client.on_disconnect = on_disconnect
        client.on_message = on_message
        client.on_publish = on_publish
        return link

    def _up(self, link: _Link) -> None:
        self._trouble = None
        link.ready.set()
        log.info("mqtt connected", connection=self.name, generation=link.generation)

    def _take(self, message: mqtt.MQTTMessage, generation: int) -> None:
        # The broker keeps to our receive maximum with QoS 1; only QoS 0 can run us over.
        if message.qos == 0 and self._arrived.qsize() >= self._max_inflight:
            self.dropped += 1
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "\ufffd"
        self._arrived.put(
            Delivery(
                topic,
                bytes(message.payload),
                message.qos,
                message.retain,
                message.dup,
                message.mid,
                generation,
            )
        )
