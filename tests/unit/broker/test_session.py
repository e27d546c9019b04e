"""The session of the telemetry lane, against a broker that does as the test tells it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import mqtt5
import pytest

from broker import session as session_module
from broker.session import Delivery, Lost, Session, SessionOptions
from tests.servers import WAIT_S

P = TypeVar("P")

QOS1 = mqtt5.QoS.AT_LEAST_ONCE


class Peer:
    """The broker's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._buffer = b""

    async def read(self, kind: type[P]) -> P:
        """The next packet, which must be of this kind; pings in between are answered."""
        while True:
            packet = await asyncio.wait_for(self._next(), WAIT_S)
            if isinstance(packet, mqtt5.PingReqPacket) and kind is not mqtt5.PingReqPacket:
                self.write(mqtt5.PingRespPacket())
                continue
            assert isinstance(packet, kind), packet
            return packet

    async def is_quiet(self) -> bool:
        """Whether nothing but pings comes for a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                while isinstance(await self._next(), mqtt5.PingReqPacket):
                    pass
                return False
        return True

    async def _next(self) -> Any:
        while True:
            try:
                packet, length = mqtt5.read(memoryview(self._buffer))
            except IndexError:
                more = await self._reader.read(65_536)
                if not more:
                    raise ConnectionError("hung up") from None
                self._buffer += more
            else:
                self._buffer = self._buffer[length:]
                return packet

    def write(self, *packets: Any) -> None:
        self._writer.write(b"".join(packet.write() for packet in packets))

    def write_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def accept(
        self, *, resumed: bool = False, receive_max: int = 100, code: str = "GRANTED_QOS_AT_LEAST_ONCE"
    ) -> mqtt5.ConnectPacket:
        """Let the client in, and grant what it subscribes to."""
        hello = await self.read(mqtt5.ConnectPacket)
        self.write(mqtt5.ConnAckPacket(session_present=resumed, receive_max=receive_max))
        wanted = await self.read(mqtt5.SubscribePacket)
        granted = [getattr(mqtt5.SubAckReasonCode, code)] * len(wanted.topic_filters)
        self.write(mqtt5.SubAckPacket(wanted.packet_id, granted))
        return hello

    def deliver(self, *packet_ids: int, payload: bytes = b"{}", duplicate: bool = False) -> None:
        self.write(
            *(
                mqtt5.PublishPacket("a/b", payload, qos=QOS1, packet_id=each, duplicate=duplicate)
                for each in packet_ids
            )
        )

    async def hang_up(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


class FakeBroker:
    """Takes connections and hands them to the test one by one."""

    def __init__(self) -> None:
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.port = 0

    async def next_peer(self) -> Peer:
        return await asyncio.wait_for(self.peers.get(), WAIT_S)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["FakeBroker"]:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.peers.put_nowait(Peer(reader, writer))

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    async with FakeBroker().running() as broker:
        yield broker


@asynccontextmanager
async def running(broker: FakeBroker, **options: Any) -> AsyncIterator[Session]:
    told = {"client_id": "lane-1", "username": "u", "password": "p", "filters": ["$share/x/a/+"]} | options
    session = Session(SessionOptions("127.0.0.1", broker.port, **told))
    task = asyncio.create_task(session.run())
    try:
        yield session
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def receive(
    session: Session, *, most: int = 100, most_bytes: int = 1_000_000, linger_s: float = 0.02
) -> Delivery:
    for _ in range(50):
        delivery = await session.receive(
            most_messages=most, most_bytes=most_bytes, linger_s=linger_s, patience_s=0.2
        )
        if delivery is not None:
            return delivery
    raise AssertionError("nothing came")


def ids(delivery: Delivery) -> list[int | None]:
    return [message.packet_id for message in delivery.messages]


async def test_it_asks_for_a_session_that_waits_for_it(broker: FakeBroker) -> None:
    async with running(broker, receive_maximum=1_000, expiry_s=60, keep_alive_s=7):
        hello = await (await broker.next_peer()).accept()
        assert (hello.client_id, hello.username, hello.password) == ("lane-1", "u", b"p")
        assert (hello.clean_start, hello.session_expiry_interval) == (False, 60)
        assert (hello.receive_max, hello.keep_alive) == (1_000, 7)


async def test_what_comes_together_is_delivered_and_acknowledged_in_order(
    broker: FakeBroker,
) -> None:
    async with running(broker) as session:
        peer = await broker.next_peer()
        await peer.accept()
        peer.deliver(5, 3, 9)
        delivery = await receive(session)
        assert ids(delivery) == [5, 3, 9]
        assert await peer.is_quiet()
        delivery.acknowledge()
        assert [(await peer.read(mqtt5.PubAckPacket)).packet_id for _ in range(3)] == [5, 3, 9]


async def test_a_message_at_qos_0_is_delivered_and_not_acknowledged(broker: FakeBroker) -> None:
    async with running(broker) as session:
        peer = await broker.next_peer()
        await peer.accept()
        peer.write(mqtt5.PublishPacket("a/b", b"1"), mqtt5.PublishPacket("a/b", b"2", qos=QOS1, packet_id=7))
        delivery = await receive(session)
        delivery.acknowledge()
        assert [message.payload for message in delivery.messages] == [b"1", b"2"]
        assert (await peer.read(mqtt5.PubAckPacket)).packet_id == 7


async def test_a_delivery_is_bounded_in_number_and_in_bytes_and_never_empty(broker: FakeBroker) -> None:
    async with running(broker) as session:
        peer = await broker.next_peer()
        await peer.accept()
        peer.deliver(1, 2, 3, 4, 5, payload=b"x" * 100)
        assert ids(await receive(session, most=2)) == [1, 2]
        assert ids(await receive(session, most_bytes=150)) == [3, 4]
        assert ids(await receive(session, most_bytes=1)) == [5]


async def test_it_lingers_for_company_but_not_when_there_is_plenty(broker: FakeBroker) -> None:
    async with running(broker) as session:
        peer = await broker.next_peer()
        await peer.accept()
        lingering = asyncio.create_task(receive(session, linger_s=1.0))
        peer.deliver(1)
        await asyncio.sleep(0.1)
        peer.deliver(2)
        assert ids(await lingering) == [1, 2]
        peer.deliver(3, 4)
        await asyncio.sleep(0.1)
        async with asyncio.timeout(WAIT_S):
            assert ids(await receive(session, most=2, linger_s=2 * WAIT_S)) == [3, 4]


async def test_a_packet_cut_in_pieces_is_put_together(broker: FakeBroker) -> None:
    async with running(broker) as session:
        peer = await broker.next_peer()
        await peer.accept()
        for byte in mqtt5.PublishPacket("a/b", b"whole", qos=QOS1, packet_id=1).write():
            peer.write_raw(bytes([byte]))
            await asyncio.sleep(0.002)
        assert (await receive(session)).messages[0].payload == b"whole"


async def test_nothing_of_a_dead_connection_is_acknowledged_on_the_next(broker: FakeBroker) -> None:
    async with running(broker) as session:
        first = await broker.next_peer()
        await first.accept()
        first.deliver(1, 2)
        stale = await receive(session)
        await first.hang_up()
        second = await broker.next_peer()
        await second.accept(resumed=True)
        second.deliver(1, 2, duplicate=True)
        fresh = await receive(session)
        stale.acknowledge()
        with pytest.raises(Lost):
            await stale.answer([("a/ack", b"{}")])
        assert await second.is_quiet()
        fresh.acknowledge()
        assert (await second.read(mqtt5.PubAckPacket)).packet_id == 1


async def test_what_a_dead_connection_brought_is_still_delivered_before_the_next_is_made(
    broker: FakeBroker,
) -> None:
    async with running(broker) as session:
        first = await broker.next_peer()
        await first.accept()
        first.deliver(1, 2)
        await asyncio.sleep(0.05)
        await first.hang_up()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(broker.peers.get(), 0.5)
        assert not session.is_connected
        assert ids(await receive(session)) == [1, 2]
        await (await broker.next_peer()).accept()


async def test_a_refused_subscription_is_tried_again(broker: FakeBroker) -> None:
    async with running(broker) as session:
        await (await broker.next_peer()).accept(code="NOT_AUTHORIZED")
        await (await broker.next_peer()).accept()
        async with asyncio.timeout(WAIT_S):
            while not session.is_connected:
                await asyncio.sleep(0.01)


async def test_a_refused_login_is_tried_again(broker: FakeBroker) -> None:
    async with running(broker):
        peer = await broker.next_peer()
        await peer.read(mqtt5.ConnectPacket)
        peer.write(mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED))
        await (await broker.next_peer()).accept()


@pytest.mark.parametrize("rubbish", [b"\x00\x00", b"\x30\xff\xff\xff\xff\x01", mqtt5.PingReqPacket().write()])
async def test_rubbish_ends_the_connection_and_not_the_session(broker: FakeBroker, rubbish: bytes) -> None:
    async with running(broker) as session:
        peer = await broker.next_peer()
        await peer.accept()
        peer.deliver(1)
        peer.write_raw(rubbish)
        assert ids(await receive(session)) == [1]
        await (await broker.next_peer()).accept()


async def test_a_broker_that_falls_silent_is_left(broker: FakeBroker) -> None:
    async with running(broker, keep_alive_s=1):
        await (await broker.next_peer()).accept()
        await (await broker.next_peer()).accept()


async def test_a_broker_that_answers_pings_is_kept(broker: FakeBroker) -> None:
    async with running(broker, keep_alive_s=2) as session:
        peer = await broker.next_peer()
        await peer.accept()
        for _ in range(2):
            await peer.read(mqtt5.PingReqPacket)
            peer.write(mqtt5.PingRespPacket())
        assert session.is_connected


async def test_answers_wait_where_the_broker_wants_to_be_waited_for(broker: FakeBroker) -> None:
    async with running(broker) as session:
        peer = await broker.next_peer()
        await peer.accept(receive_max=2)
        peer.deliver(1)
        delivery = await receive(session)
        answering = asyncio.create_task(delivery.answer([("a/ack", bytes([n])) for n in range(3)]))
        said = [await peer.read(mqtt5.PublishPacket) for _ in range(2)]
        assert await peer.is_quiet()
        assert not answering.done()
        assert said[0].packet_id is not None
        peer.write(mqtt5.PubAckPacket(said[0].packet_id))
        said.append(await peer.read(mqtt5.PublishPacket))
        await answering
        assert [packet.payload for packet in said] == [b"\0", b"\1", b"\2"]
        assert len({packet.packet_id for packet in said}) == 3
        assert all(packet.qos == QOS1 for packet in said)


async def test_who_waits_to_answer_is_told_when_the_connection_is_lost(broker: FakeBroker) -> None:
    async with running(broker) as session:
        peer = await broker.next_peer()
        await peer.accept(receive_max=1)
        peer.deliver(1)
        delivery = await receive(session)
        answering = asyncio.create_task(delivery.answer([("a/ack", b"1"), ("a/ack", b"2")]))
        await peer.read(mqtt5.PublishPacket)
        await peer.hang_up()
        with pytest.raises(Lost):
            await asyncio.wait_for(answering, WAIT_S)


async def test_a_flood_waits_in_the_broker_and_not_in_memory(
    broker: FakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_UNREAD_HIGH_BYTES", 10_000)
    monkeypatch.setattr(session_module, "_UNREAD_LOW_BYTES", 5_000)
    async with running(broker, keep_alive_s=1) as session:
        peer = await broker.next_peer()
        await peer.accept()
        for number in range(1, 1_001):
            peer.deliver(number, payload=b"x" * 10_000)
        # Longer than the broker may be silent: who does not listen must not take it for dead.
        await asyncio.sleep(1.2)
        assert session.is_connected
        first = await receive(session, most=1_000, most_bytes=1 << 30)
        assert len(first.messages) < 500
        taken = ids(first)
        while len(taken) < 1_000:
            taken += ids(await receive(session, most=1_000, most_bytes=1 << 30))
        assert taken == list(range(1, 1_001))


async def test_it_takes_leave_so_that_nobody_takes_it_for_dead(broker: FakeBroker) -> None:
    async with running(broker) as session:
        peer = await broker.next_peer()
        await peer.accept()
        while not session.is_connected:
            await asyncio.sleep(0.01)
    goodbye = await peer.read(mqtt5.DisconnectPacket)
    assert goodbye.reason_code == mqtt5.DisconnectReasonCode.NORMAL_DISCONNECTION
