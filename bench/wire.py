"""As much of MQTT 3.1.1 as a load needs, on plain sockets: it shall cost little beside what it loads."""

import socket
import struct
from collections.abc import Iterator

from broker.settings import BrokerSettings
from broker.topics import Service

_PUBLISH_QOS1, _PUBACK = 0x32, 0x40
PUBACK_BYTES = 4


def connect(settings: BrokerSettings, name: str) -> socket.socket:
    """A fresh connection under the account that may speak for every device."""
    peer = socket.create_connection((settings.mqtt_host, settings.mqtt_port), timeout=10)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    clean, with_user = 0x02, 0xC0
    body = b"\x00\x04MQTT\x04" + bytes([clean | with_user]) + struct.pack(">H", 0)
    body += _text(name) + _text(Service.BENCH) + _text(settings.password(Service.BENCH))
    peer.sendall(b"\x10" + _length(len(body)) + body)
    answer = _exactly(peer, 4)
    if answer[0] != 0x20 or answer[3] != 0:
        raise ConnectionError(f"the broker refused {name}: {answer.hex()}")
    return peer


def subscribe(peer: socket.socket, pattern: str) -> None:
    """Read a topic at QoS 0."""
    body = b"\x00\x01" + _text(pattern) + b"\x00"
    peer.sendall(b"\x82" + _length(len(body)) + body)
    answer = _exactly(peer, 5)
    if answer[4] & 0x80:
        raise ConnectionError(f"the broker refused {pattern}")


def publish(topic: str, payload: bytes, packet_id: int) -> bytes:
    """A PUBLISH at QoS 1, ready to be sent."""
    body = _text(topic) + struct.pack(">H", packet_id) + payload
    return bytes([_PUBLISH_QOS1]) + _length(len(body)) + body


class Inbound:
    """Cuts what a subscriber receives into payloads."""

    def __init__(self) -> None:
        self._rest = b""

    def payloads(self, data: bytes) -> Iterator[bytes]:
        """The payloads of QoS 0 messages that are complete."""
        buffer, at = self._rest + data, 0
        while True:
            end = self._end(buffer, at)
            if end is None:
                break
            start = at + 2
            while buffer[start - 1] & 0x80:
                start += 1
            if buffer[at] & 0xF0 == 0x30:
                topic_length = struct.unpack_from(">H", buffer, start)[0]
                yield buffer[start + 2 + topic_length : end]
            at = end
        self._rest = buffer[at:]

    @staticmethod
    def _end(buffer: bytes, at: int) -> int | None:
        length, shift, position = 0, 0, at + 1
        while position < len(buffer):
            length |= (buffer[position] & 0x7F) << shift
            shift += 7
            position += 1
            if not buffer[position - 1] & 0x80:
                end = position + length
                return end if end <= len(buffer) else None
        return None


def _exactly(peer: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = peer.recv(count - len(data))
        if not more:
            raise ConnectionError("the broker hung up")
        data += more
    return data


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _length(length: int) -> bytes:
    data = b""
    while True:
        length, digit = divmod(length, 128)
        if not length:
            return data + bytes([digit])
        data += bytes([digit | 0x80])
