"""An MQTT 5 session that outlives its connections; its reader acknowledges what it has kept."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import mqtt5
import structlog

log = structlog.get_logger()

Message = mqtt5.PublishPacket

T = TypeVar("T")

_CONNECT_TIMEOUT_S = 5.0
_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 2.0
# Above the first the socket is left alone until the second: a flood waits in the broker, not in our memory.
_UNREAD_HIGH_BYTES = 32 << 20
_UNREAD_LOW_BYTES = 8 << 20
_LAST_PACKET_ID = 0xFFFF
_GRANTED = (mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE)


class Lost(Exception):
    """A connection is gone, or could not be made; the session goes on with the next."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Who connects where, and for how long the broker keeps what nobody fetches."""

    host: str
    port: int
    client_id: str
    username: str
    password: str
    filters: Sequence[str]
    receive_maximum: int = 0xFFFF
    keep_alive_s: int = 10
    expiry_s: int = 0xFFFFFFFF  # never: another number is unsafe with Mosquitto 2.0, see mosquitto.conf


@dataclass(frozen=True, slots=True)
class Delivery:
    """Messages of one connection in the order they came; only there can they be answered and acknowledged."""

    messages: list[Message]
    connection: "Connection"

    async def answer(self, answers: Iterable[tuple[str, bytes]]) -> None:
        """Publish each (topic, payload) at QoS 1; raises Lost when the connection is gone."""
        await self.connection.publish(answers)

    def acknowledge(self) -> None:
        """Tell the broker that all of these are kept; those of a lost connection come again."""
        self.connection.acknowledge(self.messages)


class Session:
    """Connects for ever, and hands out what arrives in deliveries as large as the load makes them."""

    def __init__(self, options: SessionOptions) -> None:
        self.options = options
        self._connection: Connection | None = None

    async def run(self) -> None:
        """Keep a connection until cancelled; then take leave, and the broker keeps the session."""
        loop = asyncio.get_running_loop()
        pause_s = _FIRST_RETRY_S
        while True:
            try:
                async with self._connect() as connection:
                    since = loop.time()
                    reason = await connection.until_lost()
                    # A connection that lasts earns a quick return; one that is cut at once must not hammer.
                    if loop.time() - since > _LONGEST_RETRY_S:
                        pause_s = _FIRST_RETRY_S
                    # Only then the next: one inbox bounds the memory, however often the broker goes.
                    await connection.until_read()
            except (OSError, TimeoutError, Lost) as error:
                reason = str(error) or type(error).__name__
            log.warning("broker connection lost", reason=reason, retry_in_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_RETRY_S)

    @property
    def is_connected(self) -> bool:
        """Whether messages can come now."""
        return self._connection is not None and self._connection.is_subscribed

    async def receive(
        self, *, most_messages: int, most_bytes: int, linger_s: float, patience_s: float
    ) -> Delivery | None:
        """Take what is there, lingering for company unless there is plenty; None when nothing comes."""
        connection = self._connection
        if connection is None:
            await asyncio.sleep(min(patience_s, _FIRST_RETRY_S))
            return None
        if not await connection.until_unread(patience_s):
            return None
        if not connection.holds(most_messages, most_bytes):
            await asyncio.sleep(linger_s)
        return Delivery(connection.take(most_messages, most_bytes), connection)

    @contextlib.asynccontextmanager
    async def _connect(self) -> AsyncIterator["Connection"]:
        options = self.options
        connection = Connection()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: connection, options.host, options.port)
                resumed = await connection.greet(options)
                # Deliveries of a resumed session start before the subscription is answered.
                self._connection = connection
                await connection.subscribe(options.filters)
            log.info("broker connected", resumed=resumed)
            yield connection
        finally:
            connection.close()
            self._connection = None


class Connection(asyncio.Protocol):
    """One TCP connection: parses packets as they come, keeps the alive-beat and both ways' flow control."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._inbox: deque[Message] = deque()
        self._inbox_bytes = 0
        self._unread = asyncio.Event()
        self._read = asyncio.Event()
        self._read.set()
        self._reading = True
        self._lost: asyncio.Future[str] = loop.create_future()
        self._greeting: asyncio.Future[mqtt5.ConnAckPacket] = loop.create_future()
        self._subscribed: asyncio.Future[mqtt5.SubAckPacket] = loop.create_future()
        self._window = asyncio.Semaphore(_LAST_PACKET_ID)
        self._packet_id = 0
        self._heard = True
        self._keeper: asyncio.Task[None] | None = None

    # What the session and its deliveries ask for.

    async def greet(self, options: SessionOptions) -> bool:
        """Log in; true when the broker still had the session."""
        self._send(
            mqtt5.ConnectPacket(
                options.client_id,
                username=options.username,
                password=options.password.encode(),
                clean_start=False,
                keep_alive=options.keep_alive_s,
                session_expiry_interval=options.expiry_s,
                receive_max=options.receive_maximum,
            ).write()
        )
        answer = await self._unless_lost(self._greeting)
        if answer.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise Lost(f"refused: {answer.reason_code.name}")
        self._window = asyncio.Semaphore(answer.receive_max)
        keep_alive_s = answer.server_keep_alive or options.keep_alive_s
        self._keeper = asyncio.create_task(self._keep_alive(keep_alive_s))
        return answer.session_present

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for topics; raises Lost when one of them is refused."""
        wanted = [mqtt5.TopicFilter(each, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for each in filters]
        self._send(mqtt5.SubscribePacket(_LAST_PACKET_ID, wanted).write())
        answer = await self._unless_lost(self._subscribed)
        refused = [f for f, code in zip(filters, answer.reason_codes, strict=True) if code not in _GRANTED]
        if refused:
            raise Lost(f"subscription refused: {', '.join(refused)}")

    async def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Send at QoS 1, waiting where the broker wants to be waited for.

        What a lost connection took with it is not sent again here: whoever misses an answer asks again.
        """
        packets: list[bytes] = []
        for topic, payload in messages:
            if self._window.locked():
                # What the broker has not seen yet cannot make room.
                self._send(b"".join(packets))
                packets.clear()
                await self._room()
            else:
                await self._window.acquire()
            self._packet_id = self._packet_id % (_LAST_PACKET_ID - 1) + 1
            packet = mqtt5.PublishPacket(
                topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=self._packet_id
            )
            packets.append(packet.write())
        if packets:
            self._send(b"".join(packets))

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Acknowledge messages of this connection, in the order they came."""
        if self._transport is not None and not self._lost.done():
            self._transport.write(
                b"".join(
                    [
                        mqtt5.PubAckPacket(message.packet_id).write()
                        for message in messages
                        if message.packet_id is not None
                    ]
                )
            )

    @property
    def is_subscribed(self) -> bool:
        """Whether all is granted, and the end has not come yet."""
        return self._subscribed.done() and not self._lost.done()

    def holds(self, messages: int, payload_bytes: int) -> bool:
        """Whether so much is unread."""
        return len(self._inbox) >= messages or self._inbox_bytes >= payload_bytes

    def take(self, most_messages: int, most_bytes: int) -> list[Message]:
        """Take the oldest unread messages; one at least, however large."""
        inbox, size = self._inbox, 0
        taken: list[Message] = []
        while inbox and len(taken) < most_messages and size < most_bytes:
            message = inbox.popleft()
            size += len(message.payload)
            taken.append(message)
        self._inbox_bytes -= size
        if not self._reading and self._inbox_bytes < _UNREAD_LOW_BYTES:
            self._read_on(True)
        if not inbox:
            self._unread.clear()
            self._read.set()
        return taken

    async def until_unread(self, patience_s: float) -> bool:
        """Wait for messages; false when none came in time."""
        if not self._unread.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._unread.wait(), patience_s)
        return self._unread.is_set()

    async def until_lost(self) -> str:
        """Wait for the end, and tell the reason."""
        return await asyncio.shield(self._lost)

    async def until_read(self) -> None:
        """Wait until everything that came was taken."""
        await self._read.wait()

    def close(self) -> None:
        """Take leave; the broker keeps the session."""
        if self._transport is not None and not self._lost.done():
            self._send(mqtt5.DisconnectPacket().write())
        self._end("closed")

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc) if exc else "the broker hung up")

    def data_received(self, data: bytes) -> None:
        self._heard = True
        buffer = self._rest + data if self._rest else data
        view, at, end = memoryview(buffer), 0, len(buffer)
        inbox, unread = self._inbox, len(self._inbox)
        try:
            while at < end:
                packet, length = mqtt5.read(view[at:])
                at += length
                if type(packet) is Message:
                    inbox.append(packet)
                    self._inbox_bytes += len(packet.payload)
                else:
                    self._handle(packet)
        except IndexError:  # the rest of this packet is still under way
            pass
        except ValueError as error:
            self._end(f"unreadable packet: {error}")
        self._rest = buffer[at:]
        if len(inbox) > unread:
            self._unread.set()
            self._read.clear()
            if self._inbox_bytes > _UNREAD_HIGH_BYTES:
                self._read_on(False)

    # Inside.

    def _handle(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PubAckPacket():
                self._window.release()
            case mqtt5.ConnAckPacket() if not self._greeting.done():
                self._greeting.set_result(packet)
            case mqtt5.SubAckPacket() if not self._subscribed.done():
                self._subscribed.set_result(packet)
            case mqtt5.DisconnectPacket():
                self._end(f"the broker said {packet.reason_code.name}")
            case mqtt5.PingRespPacket():
                pass
            case _:
                self._end(f"unexpected {type(packet).__name__}")

    async def _keep_alive(self, every_s: float) -> None:
        """Ping twice as often as promised; an unanswered ping is the end, unless we do not listen."""
        while not self._lost.done():
            self._heard = False
            self._send(mqtt5.PingReqPacket().write())
            await asyncio.sleep(every_s / 2)
            if not self._heard and self._reading:
                self._end(f"no answer for {every_s / 2:g} s")

    async def _room(self) -> None:
        await self._unless_lost(asyncio.ensure_future(self._window.acquire()))

    async def _unless_lost(self, awaited: asyncio.Future[T]) -> T:
        await asyncio.wait((awaited, self._lost), return_when=asyncio.FIRST_COMPLETED)
        if self._lost.done():
            awaited.cancel()
            raise Lost(self._lost.result())
        return awaited.result()

    def _send(self, data: bytes) -> None:
        if self._transport is None or self._lost.done():
            raise Lost(self._lost.result() if self._lost.done() else "not connected")
        self._transport.write(data)

    def _read_on(self, on: bool) -> None:
        if self._transport is not None and self._reading != on:
            self._reading = on
            if not self._transport.is_closing():
                (self._transport.resume_reading if on else self._transport.pause_reading)()

    def _end(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)
        if self._keeper is not None:
            self._keeper.cancel()
        if self._transport is not None:
            self._transport.close()
