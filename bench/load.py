"""The load: a process of its own that floods, or paces itself, and waits until the last message is stored.

Now and then a message carries an id, so the server says when it has stored it: that measures the way from
publish to stored, and bounds what is under way, as devices that wait for their acks would.
"""

import contextlib
import json
import random
import select
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench import wire
from broker.settings import BrokerSettings

SOCKETS = 4
_PATIENCE_S = 60.0
_COUNT_EVERY_S = 0.005


@dataclass(frozen=True)
class Order:
    """What is to be sent; without a rate as fast as it goes."""

    messages: int
    devices: int
    samples: int
    under_way: int
    rate: float | None = None
    id_every: int = 100
    seconds: float | None = None
    """Stop then, whatever is left."""


@dataclass(frozen=True)
class Outcome:
    """What happened; `elapsed_s` ends when the last message is stored."""

    messages: int
    samples: int
    elapsed_s: float
    publish_s: float
    latencies_ms: list[float]
    cpu_s: float


def uid(device: int) -> str:
    """The name of a device of the bench."""
    return f"bench-{device:06d}"


@dataclass(frozen=True)
class Chunk:
    """Consecutive packets of one socket; the last of them carries this id."""

    id: str
    data: bytes
    messages: int


def encode(order: Order, *, now: int) -> list[list[Chunk]]:
    """Everything that will be sent, ready for the sockets: the sending itself shall cost next to nothing."""
    rounds = -(-order.messages // order.devices)
    chunks: list[list[Chunk]] = [[] for _ in range(SOCKETS)]
    # The devices report in turn, but in no order that would favour an index.
    devices = list(range(order.devices))
    random.Random(1).shuffle(devices)  # noqa: S311 - no secret, and the same in each run
    packet_ids = [0] * SOCKETS
    for start in range(0, order.messages, order.id_every):
        count = min(order.id_every, order.messages - start)
        lane = (start // order.id_every) % SOCKETS
        chunk_id = f"b{start}"
        packets = []
        for number in range(start, start + count):
            turn, place = divmod(number, order.devices)
            frames = [
                _frame(
                    now - (rounds - turn) * order.samples + sample,
                    turn * order.samples + sample,
                    number,
                    chunk_id if number == start + count - 1 and sample == 0 else None,
                )
                for sample in range(order.samples)
            ]
            payload = frames[0] if order.samples == 1 else "[" + ",".join(frames) + "]"
            packet_ids[lane] = packet_ids[lane] % 0xFFFF + 1
            topic = f"mayday/v1/dev/{uid(devices[place])}/pos"
            packets.append(wire.publish(topic, payload.encode(), packet_ids[lane]))
        chunks[lane].append(Chunk(chunk_id, b"".join(packets), count))
    return chunks


def _frame(ts: int, seq: int, number: int, frame_id: str | None) -> str:
    lat, lon = 41.2 + number % 9_973 * 2e-5, 69.1 + number % 8_191 * 3e-5
    told_id = f'"id":"{frame_id}",' if frame_id else ""
    return (
        f'{{{told_id}"ts":{ts},"seq":{seq},"lat":{lat:.6f},"lon":{lon:.6f},'
        f'"acc":{5 + number % 20},"spd":{number % 300 / 10},"dir":{number % 360},"bat":{100 - number % 80}}}'
    )


class Load:
    """Sends prepared chunks over several sockets, no more under way than allowed."""

    def __init__(self, order: Order, settings: BrokerSettings) -> None:
        self._order = order
        self._settings = settings
        self._sent_at: dict[str, float] = {}
        self._latencies_ms: list[float] = []
        self._inbound = wire.Inbound()
        self._puback_bytes = 0
        self._count_at = 0.0
        self._acks = wire.connect(settings, "bench-acks")
        wire.subscribe(self._acks, "mayday/v1/dev/+/ack")
        self._peers = [wire.connect(settings, f"bench-load-{number}") for number in range(SOCKETS)]
        for peer in (self._acks, *self._peers):
            peer.setblocking(False)

    def run(self) -> Outcome:
        """Send it all; returns once it is stored."""
        chunks = encode(self._order, now=int(time.time()))
        cpu = time.process_time()
        started = time.monotonic()
        sent = self._send(chunks, started)
        published = time.monotonic()
        deadline = published + _PATIENCE_S
        while self._sent_at or self._puback_bytes < sent * wire.PUBACK_BYTES:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self._sent_at)} acks are missing")
            self._receive(_COUNT_EVERY_S)
        elapsed = time.monotonic() - started
        return Outcome(
            sent,
            sent * self._order.samples,
            elapsed,
            published - started,
            self._latencies_ms,
            time.process_time() - cpu,
        )

    def _send(self, chunks: list[list[Chunk]], started: float) -> int:
        sent, order = 0, self._order
        for number in range(max(map(len, chunks))):
            for peer, lane in zip(self._peers, chunks, strict=True):
                if number >= len(lane):
                    continue
                chunk = lane[number]
                while len(self._sent_at) * order.id_every >= order.under_way:
                    self._receive(0.01)
                while order.rate and time.monotonic() < started + sent / order.rate:
                    self._receive(started + sent / order.rate - time.monotonic())
                if order.seconds is not None and time.monotonic() > started + order.seconds:
                    return sent
                self._sent_at[chunk.id] = time.monotonic()
                self._push(peer, chunk.data)
                sent += chunk.messages
        return sent

    def _push(self, peer: socket.socket, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[peer.send(view) :]
            except BlockingIOError:
                self._receive(_COUNT_EVERY_S, until_free=(peer,))

    def _receive(self, wait_s: float, *, until_free: Sequence[socket.socket] = ()) -> None:
        """Hear what is stored; what the broker says to each message is only counted now and then.

        To be woken for each would cost as much as the lane that is measured, and the broker a quarter more.
        """
        heard, _, _ = select.select((self._acks,), until_free, (), max(wait_s, 0.0))
        if heard:
            at = time.monotonic()
            for payload in self._inbound.payloads(_read(self._acks)):
                said = json.loads(payload)
                sent_at = self._sent_at.pop(said["id"], None)
                if sent_at is not None and said["ok"]:
                    self._latencies_ms.append((at - sent_at) * 1e3)
        if time.monotonic() > self._count_at:
            self._count_at = time.monotonic() + _COUNT_EVERY_S
            for peer in self._peers:
                with contextlib.suppress(BlockingIOError):
                    self._puback_bytes += len(_read(peer))


def _read(peer: socket.socket) -> bytes:
    data = peer.recv(1 << 16)
    if not data:
        raise ConnectionError("the broker hung up")
    return data


def main() -> None:
    """Read the order from the command line, write the outcome to stdout."""
    order = Order(**json.loads(sys.argv[1]))
    json.dump(asdict(Load(order, BrokerSettings()).run()), sys.stdout)


if __name__ == "__main__":
    main()
