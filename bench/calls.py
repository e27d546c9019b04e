"""Watches that call for help: a process of its own that measures the way from SOS to the server's ack."""

import json
import select
import sys
import time
from dataclasses import asdict, dataclass

from bench import wire
from bench.load import uid
from broker.settings import BrokerSettings

_PATIENCE_S = 30.0


@dataclass(frozen=True)
class CallOrder:
    """How many calls, how many a second, by which devices."""

    calls: int
    rate: float
    first_device: int


@dataclass(frozen=True)
class CallOutcome:
    """How long each call took to be acknowledged; the rest never were."""

    latencies_ms: list[float]
    missing: int


def place_of(number: int) -> tuple[float, float]:
    """A place of its own in the city, a kilometre from the next: no two calls are of one accident."""
    row, column = divmod(number, 25)
    return round(41.2 + row % 25 * 0.01, 6), round(69.1 + column * 0.0134, 6)


def run(order: CallOrder, settings: BrokerSettings) -> CallOutcome:
    """Call at a steady rate, each device once, and wait for every ack."""
    peer = wire.connect(settings, "bench-calls")
    wire.subscribe(peer, "mayday/v1/dev/+/ack")
    inbound = wire.Inbound()
    sent_at: dict[str, float] = {}
    latencies: list[float] = []

    def hear(until: float) -> None:
        while (wait_s := until - time.monotonic()) > 0:
            if not select.select([peer], [], [], wait_s)[0]:
                return
            data = peer.recv(1 << 16)
            at = time.monotonic()
            for payload in inbound.payloads(data):
                said = json.loads(payload)
                if said["id"] in sent_at and said["ok"]:
                    latencies.append((at - sent_at.pop(said["id"])) * 1e3)

    started = time.monotonic()
    for number in range(order.calls):
        hear(started + number / order.rate)
        device = order.first_device + number
        frame = {
            "id": f"s{device}",
            "ts": int(time.time() * 1_000),
            "type": "fall",
            "sev": 4,
            **dict(zip(("lat", "lon"), place_of(device), strict=True)),
        }
        topic = f"mayday/v1/dev/{uid(device)}/sos"
        packet = wire.publish(topic, json.dumps(frame).encode(), number % 0xFFFF + 1)
        sent_at[f"s{device}"] = time.monotonic()
        peer.sendall(packet)
    deadline = time.monotonic() + _PATIENCE_S
    while sent_at and time.monotonic() < deadline:
        hear(time.monotonic() + 0.1)
    return CallOutcome(latencies, len(sent_at))


def main() -> None:
    """Read the order from the command line, write the outcome to stdout."""
    json.dump(asdict(run(CallOrder(**json.loads(sys.argv[1])), BrokerSettings())), sys.stdout)


if __name__ == "__main__":
    main()
